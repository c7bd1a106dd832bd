import { formatEndpoint } from '../core/address.ts';
import type { Config, Service } from '../core/config.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import type { Rival } from './rivals.ts';
import { enumerate, virtualAddresses } from './servers.ts';

/** The interface to which kube-proxy binds the addresses of its services. */
const kubeDevice = 'kube-ipvs0';

/** Whether another program writes the same rows of the table. */
export function checkRivals(facts: Facts, config: Config): readonly Finding[] {
  const findings = facts.rivals.flatMap((rival) => (rival.name === 'kube-proxy' ? [] : [judge(rival, config)]));
  const all = [...findings, ...checkKubernetes(facts, config)];
  return all.length > 0 ? all : [ok('other programs', 'none is known here that writes to the table')];
}

function judge(rival: Rival, { services }: Config): Finding {
  const { name, pid, file, isComplete } = rival;
  const subject = `${name} (pid ${pid})`;
  const shared = services.filter((service) => rival.services.includes(writtenName(service)));
  if (shared.length > 0) {
    const names = enumerate(shared.map((service) => service.name));
    const message = `has ${names} in ${file} too: each of the two programs undoes what the other does; take these services out of one of them${rival.movesAddresses ? stopping : ''}`;
    return { severity: 'problem', subject, message };
  }
  if (isComplete) return ok(subject, 'runs, and has none of these services');
  const message = `runs, and what it has in ${file} cannot be told for certain: were one of these services among it, each of the two programs would undo what the other does`;
  return { severity: 'warning', subject, message };
}

/** What is for the operator to decide, and so no remedy. */
const stopping =
  '. It may hold addresses for this machine as well, or move them to another: decide what is to become of these before it is stopped';

/** As the files of others name it. */
function writtenName({ identity }: Service): string {
  return identity.kind === 'fwmark' ? `fwmark ${identity.mark}` : formatEndpoint(identity);
}

/** In its IPVS mode kube-proxy deletes services that it does not know, but for those in its excludeCIDRs. */
function checkKubernetes({ interfaces, rivals }: Facts, config: Config): readonly Finding[] {
  const bound = interfaces.filter(({ device }) => device === kubeDevice).map(({ address }) => address);
  if (bound.length === 0) return [];
  const pid = rivals.find(({ name }) => name === 'kube-proxy')?.pid;
  const subject = pid === undefined ? kubeDevice : `kube-proxy (pid ${pid})`;
  const shared = [...virtualAddresses(config).keys()].filter((address) => bound.includes(address));
  if (shared.length > 0) {
    const message = `${kubeDevice} has ${enumerate(shared)}: kube-proxy keeps services of the same address in the table, and undoes what lvsd does there; give one of the two other addresses`;
    return [{ severity: 'problem', subject, message }];
  }
  const message = `kube-proxy keeps services of its own in the table, and deletes those that it does not know: put the addresses of this configuration into its excludeCIDRs`;
  return [{ severity: 'warning', subject, message }];
}
