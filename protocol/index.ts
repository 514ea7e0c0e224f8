// The bytes and names that all parts share. Imports nothing but Node's own modules.

export * from './account-names.ts'
export * from './digest.ts'
export * from './frames.ts'
export * from './ids.ts'
export * from './limits.ts'
export * from './outcomes.ts'
export * from './pipeline.ts'
export * from './records.ts'
export * from './statuses.ts'
export * from './stream.ts'
export * from './tails.ts'
export * from './words.ts'
