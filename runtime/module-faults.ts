// What is wrong with modules, in one piece: it brings a schema validator with it, and is loaded by those threads
// alone that have modules to look at.

export { repeated } from './module-shape.ts'
export { surfaceFault } from './routes-fault.ts'
export { rulesFault } from './rules-fault.ts'
export { viewFault } from './views-fault.ts'
