// Joins each hot thread's modules into one file, in place, after tsc. Across modules V8 reads every
// imported constant and function through a cell that it checks anew at each use, and folds none of
// them; within one module it does: the engine decides half as many commands again (docs/how-it-works.md).

/** What is joined, in this order: the engine's face first, then the threads that hold it. */
const HOT = [
  'engine/index',
  'runtime/engine-thread',
  'runtime/journal-thread',
  'cli/gateway-thread',
]

const dist = process.env.HOLDFAST_DIST ?? 'dist'

export default HOT.map((name) => ({
  input: `${dist}/${name}.js`,
  // What looks at modules is loaded where there are any, and not at every start.
  external: (id) =>
    id.endsWith('/module-faults.js') ||
    (!id.startsWith('.') && !id.startsWith('/') && !id.startsWith(dist)),
  output: { file: `${dist}/${name}.js`, format: 'es', sourcemap: true },
  logLevel: 'warn',
}))
