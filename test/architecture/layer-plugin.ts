import { forbiddenEdge, forbiddenPackage } from './layer-violations.ts';
import { resolveImport } from './source-imports.ts';

/** What the linter hands to a rule of a plugin, as far as this one looks. */
interface RuleContext {
  readonly filename: string;
  report(finding: { readonly node: object; readonly message: string }): void;
}

interface Importing {
  readonly source: { readonly type: string; readonly value?: unknown } | null;
}

/** The layer table as a rule of the linter, so that an editor shows a forbidden import where it is written. */
const layers = {
  create(context: RuleContext) {
    const path = context.filename.replaceAll('\\', '/');
    const file = path.slice(path.lastIndexOf('/src/') + '/src/'.length);
    const check = ({ source }: Importing): void => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const target = resolveImport(file, source.value);
      const why = target === undefined ? forbiddenPackage(file, source.value) : forbiddenEdge(file, target);
      if (why !== undefined) context.report({ node: source, message: why });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
};

// The linter takes a plugin by its default export.
// oxlint-disable-next-line import/no-default-export
export default { meta: { name: 'postern' }, rules: { layers } };
