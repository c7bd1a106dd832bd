import { writeFileSync } from 'node:fs';
import { formatConfigSchema } from './json-schema.ts';
import { formatReference } from './reference.ts';

// Run from the top of the repository, by `npm run generate`.
writeFileSync('config/lvsd.schema.json', formatConfigSchema());
writeFileSync('docs/configuration.md', formatReference());
