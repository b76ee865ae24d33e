import { posix } from 'node:path';
import type { Plugin } from 'rolldown';

const stdio = '@modelcontextprotocol/client/stdio';

/**
 * Has everything that needs built-ins of Node loaded by a name of the package's own, `#node/…`. By the conditions of
 * `imports` in package.json, a bundler for Workers or browsers finds a refusal under it, and no built-in; everyone else the
 * file as it lies there. What imports such a file at once needs Node as well; what loads it late does not.
 *
 * @param refusal the source of what stands in its place.
 */
export function apartFromNode(refusal: string): Plugin {
  return {
    name: 'apart-from-node',
    buildStart() {
      this.emitFile({ type: 'chunk', id: refusal, fileName: 'needs-node.js' });
    },
    generateBundle(_options, bundle) {
      const needsNode = (file: string, seen = new Set<string>()): boolean => {
        if (file.startsWith('node:')) return true;
        const chunk = bundle[file];
        if (chunk?.type !== 'chunk' || seen.has(file)) return false;
        seen.add(file);
        return chunk.imports.some((imported) => needsNode(imported, seen));
      };
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        const folder = posix.dirname(chunk.fileName);
        chunk.code = chunk.code.replaceAll(/\bimport\("([^"]+)"\)/gu, (whole, specifier: string) => {
          if (specifier === stdio) return 'import("#mcp-stdio")';
          const file = posix.join(folder, specifier);
          return specifier.startsWith('.') && needsNode(file) ? `import("#node/${file}")` : whole;
        });
      }
    },
  };
}
