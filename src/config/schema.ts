import { probes } from '../../checks/index.ts';
import { agentSchema } from './agent-schema.ts';
import { checkSchema, name } from './check-schema.ts';
import { directorSchema } from './director-schema.ts';
import { listOf, z } from './fields.ts';
import { ipvsSchema } from './ipvs-schema.ts';
import { maintenanceSchema } from './maintenance-schema.ts';
import { defaultsSchema, serviceSchema } from './service-schema.ts';

const check = checkSchema(probes);

/**
 * The configuration file: the one source of its types, defaults, validation, JSON Schema and reference page. What
 * concerns several keys at once is checked where they are resolved.
 */
export const fileSchema = z.strictObject({
  version: z.literal(1, { error: 'must be 1, the version of this format' }).describe('Version of this format: 1.'),
  agent: agentSchema.prefault({}).describe('The agent itself.'),
  ipvs: ipvsSchema
    .prefault({})
    .describe('What the kernel keeps for all services: timeouts and synchronisation daemons.'),
  director: directorSchema.prefault({}).describe('What `lvsd director up` sets up on this host, beside the table.'),
  defaults: defaultsSchema.prefault({}).describe('What services have unless they say otherwise.'),
  checks: z
    .record(name, check.optional())
    .default({})
    .describe('Checks by name, for `checks` of services and servers.'),
  services: listOf(serviceSchema(check))
    .min(1, { error: 'must have at least one service' })
    .describe('The virtual services.'),
  maintenance: listOf(maintenanceSchema).default([]).describe('Maintenance windows.'),
});

export type ConfigFile = z.output<typeof fileSchema>;
