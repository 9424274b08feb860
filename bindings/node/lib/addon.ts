/**
 * Finds and loads the native addon of this platform: beside the package when it was built here, or in the package
 * of the platform, which npm installs by its `os`, `cpu` and `libc` fields.
 */
import type * as Native from './native';

/** The name of this platform among the prebuilt addons: `linux-x64-gnu`. */
function platform(): string {
  const { platform, arch } = process;
  if (platform !== 'linux') return `${platform}-${arch}`;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return `${platform}-${arch}-${header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`;
}

function load(): typeof Native {
  const name = platform();
  const reasons: unknown[] = [];
  for (const candidate of [`../zpatterns.${name}.node`, `zpatterns-${name}`]) {
    try {
      return require(candidate);
    } catch (reason) {
      reasons.push(reason);
    }
  }
  throw new AggregateError(reasons, `zpatterns has no addon for ${name}; \`npm run build\` in its sources makes one`);
}

/** @internal */
export const native = load();
