import { z } from './fields.ts';
import { fileSchema } from './schema.ts';

/** A schema of JSON Schema, draft 2020-12, as far as this program reads them. */
export interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

/** JSON Schema of the configuration file as it is written: short forms, and defaults as texts. */
export function configSchema(): JsonSchema {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-2020-12' });
  return { title: 'Configuration of lvsd', ...schema } as JsonSchema;
}

export function formatConfigSchema(): string {
  return `${JSON.stringify(configSchema(), null, 2)}\n`;
}
