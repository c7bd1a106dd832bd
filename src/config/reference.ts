import { configSchema, type JsonSchema } from './json-schema.ts';

const timingNote = 'Timing that is not given here is that of the service, and after that the one in `defaults`.';

const introduction = `# Configuration

The file is YAML 1.2. \`lvsd config check\` names every mistake in it with line and column, \`lvsd config show\` prints
what is in force with all defaults filled in, and \`lvsd config schema\` prints the JSON Schema for editors. This page is
generated from the same schema.

A duration carries its unit: \`500ms\`, \`5s\`, \`2m\`, \`1h\`. A share is written \`25%\`. An address is \`IP:PORT\`,
\`[v6]:PORT\`, or an IP where the port follows from the service.`;

/** The reference page of the configuration, in Markdown: one table for each place where keys are written. */
export function formatReference(): string {
  const schema = configSchema();
  const service = entryOf(schema.properties?.services);
  const checks = schema.$defs?.check?.oneOf ?? [];
  const sections = [
    introduction,
    section('Top level', {
      ...schema,
      properties: pick(schema, (key) => !['agent', 'ipvs', 'defaults'].includes(key)),
    }),
    section('`agent`', schema.properties?.agent),
    section('`ipvs`', schema.properties?.ipvs),
    section('`ipvs.sync_daemons[]`', entryOf(schema.properties?.ipvs?.properties?.sync_daemons)),
    section('`defaults`', schema.properties?.defaults),
    section('`services[]`', service),
    section('`services[].marks[]`', entryOf(service?.properties?.marks)),
    section('`services[].servers[]`', mappingOf(schema.$defs?.server)),
    `${section('`checks`: every check', commonOf(checks))}\n\n${timingNote}`,
    ...checks.map((check) => checkSection(check, checks)),
    section('`maintenance[]`', entryOf(schema.properties?.maintenance)),
  ];
  return `${sections.join('\n\n')}\n`;
}

function checkSection(check: JsonSchema, checks: readonly JsonSchema[]): string {
  const type = check.properties?.type;
  const common = commonOf(checks).properties ?? {};
  const own = { ...check, properties: pick(check, (key) => !Object.hasOwn(common, key) && key !== 'type') };
  return `${`## \`checks\`: type \`${type?.const}\`\n\n${type?.description}\n\n${table(own)}`.trimEnd()}`;
}

/** The keys that all types of check have; `type` with all its values. */
function commonOf(checks: readonly JsonSchema[]): JsonSchema {
  const [first = {}] = checks;
  const isShared = (key: string) =>
    checks.every(({ properties }) => properties?.[key]?.description === first.properties?.[key]?.description);
  const types = checks.map(({ properties }) => properties?.type?.const);
  const type: JsonSchema = { enum: types, description: 'What kind of check it is.' };
  return { properties: { type, ...pick(first, isShared) }, required: ['type'] };
}

function section(title: string, schema: JsonSchema | undefined): string {
  return `## ${title}\n\n${table(schema ?? {})}`;
}

function table(schema: JsonSchema): string {
  const rows = rowsOf(schema, '');
  return rows.length === 0
    ? 'It has no keys of its own.'
    : ['| key | value | default | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** One row a key; the keys of a mapping inside a mapping follow under their full name. */
function rowsOf(schema: JsonSchema, prefix: string): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const isRequired = schema.required?.includes(key) ?? false;
    const cells = [`\`${prefix}${key}\``, kindOf(value), defaultOf(value, isRequired), value.description ?? ''];
    return [
      `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
      ...rowsOf(mappingOf(value), `${prefix}${key}.`),
    ];
  });
}

function defaultOf({ default: value }: JsonSchema, isRequired: boolean): string {
  if (isRequired) return 'required';
  const isPlain = value !== undefined && (typeof value !== 'object' || value === null);
  return isPlain ? `\`${value}\`` : '';
}

function kindOf(schema: JsonSchema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.$ref !== undefined) return schema.$ref.slice('#/$defs/'.length);
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(kindOf))].join(' or ');
  if (schema.type === 'array') return `list of ${kindOf(schema.items ?? {})}`;
  return kinds[String(schema.type)] ?? String(schema.type ?? '');
}

const kinds: Readonly<Record<string, string>> = {
  object: 'mapping',
  string: 'text',
  integer: 'whole number',
  boolean: '`true`, `false`',
  'number,string': 'number or text',
};

/** The mapping that a value may be. Of several, with the keys of all. */
function mappingOf(schema: JsonSchema | undefined): JsonSchema {
  const forms = schema?.anyOf ?? [schema ?? {}];
  const mappings = forms.filter(({ properties }) => properties !== undefined);
  return {
    properties: Object.assign({}, ...mappings.map(({ properties }) => properties)),
    required: mappings.length === 1 ? (mappings[0]?.required ?? []) : [],
  };
}

function entryOf(list: JsonSchema | undefined): JsonSchema | undefined {
  return list?.items;
}

function pick(
  { properties = {} }: JsonSchema,
  isWanted: (key: string) => boolean,
): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => isWanted(key)));
}
