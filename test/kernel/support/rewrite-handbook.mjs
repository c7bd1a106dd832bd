// Puts what the tests saw into docs/handbook.md: `node rewrite-handbook.mjs FOLDER`. See handbook.ts.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
const handbook = join(import.meta.dirname, '../../../docs/handbook.md');
let text = readFileSync(handbook, 'utf8');
for (const name of readdirSync(folder)) {
  const seen = readFileSync(join(folder, name), 'utf8');
  const block = new RegExp(`(<!-- output: ${name} -->\n\`\`\`\\w*\n).*?(\`\`\`)`, 's');
  text = text.replace(block, (_, start, end) => start + seen + end);
}
writeFileSync(handbook, text);
