// The tidy test's rules for TypeScript sources: folder arrows, what the engine may not do, lengths,
// stray debug output. Rules for documents are in tidy-docs.ts; tidy.ts runs both.

import { posix } from 'node:path'
import ts from 'typescript'

/** One breach of a rule. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly rule: string
}

/** A source file: its path from the repository's top with forward slashes, and its text. */
export interface Source {
  readonly path: string
  readonly text: string
}

/** Longest file and longest function, in lines. */
export const FILE_LINES_MAX = 400
export const FUNCTION_LINES_MAX = 70

/** Whom each folder may import. docs/how-it-works.md draws the same arrows. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  engine: ['protocol'],
  journal: ['protocol'],
  snapshots: ['protocol', 'journal'],
  follower: ['protocol', 'engine', 'journal', 'snapshots'],
  views: ['protocol', 'engine', 'journal', 'snapshots', 'follower'],
  surface: ['protocol'],
  gateway: ['protocol', 'surface'],
  systems: ['protocol', 'engine'],
  client: ['protocol'],
  runtime: ['protocol', 'engine', 'journal', 'snapshots', 'client', 'surface'],
  cli: [
    'protocol',
    'engine',
    'journal',
    'snapshots',
    'follower',
    'views',
    'client',
    'runtime',
    'gateway',
    'bench',
  ],
  bench: [
    'protocol',
    'engine',
    'journal',
    'snapshots',
    'follower',
    'views',
    'client',
    'runtime',
    'gateway',
  ],
  examples: ['protocol', 'client', 'runtime'],
  test: [
    'protocol',
    'engine',
    'journal',
    'snapshots',
    'follower',
    'views',
    'client',
    'runtime',
    'surface',
    'gateway',
    'systems',
    'cli',
    'bench',
  ],
}

/** Names that no code on the single writer may use: I5, and nothing that waits. */
const BANNED_NAMES: ReadonlySet<string> = new Set([
  'Date',
  'performance',
  'crypto',
  'process',
  'Intl',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
])

/** Members of `Math` whose last digit differs between machines, and randomness. */
const BANNED_MATH: ReadonlySet<string> = new Set(
  'acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 hypot log log10 log1p log2 pow random sin sinh tan tanh'.split(
    ' ',
  ),
)

/** Methods that depend on the locale. */
const BANNED_METHODS = /^(localeCompare|toLocale[A-Z]\w*)$/

/** Words that mark unfinished work, and tests that do not run; put together so as not to find themselves. */
const UNFINISHED = new RegExp(
  `\\b(${['TO', 'FIX'].map((word) => `${word}(?:DO|ME)`).join('|')})\\b`,
)

/** All breaches in one source file. */
export function tidySource({ path, text }: Source): Finding[] {
  const findings: Finding[] = []
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  const lines = text.split('\n')
  const at = (position: number) => file.getLineAndCharacterOfPosition(position).line + 1
  const report = (line: number, rule: string) => findings.push({ file: path, line, rule })
  if (lines.length - 1 > FILE_LINES_MAX) {
    report(FILE_LINES_MAX + 1, `a file has ${FILE_LINES_MAX} lines at most`)
  }
  const first = text.startsWith('#!') ? lines[1] : lines[0]
  if (!first?.startsWith('//')) report(1, 'the first line says what the file is and is not')
  for (const [i, line] of lines.entries()) {
    if (UNFINISHED.test(line)) report(i + 1, 'no marks of unfinished work')
  }
  const onWriter = isOnWriter(path)
  const visit = (node: ts.Node) => {
    checkImport(path, node, (rule) => report(at(node.getStart()), rule))
    checkLength(file, node, (rule) => report(at(node.getStart()), rule))
    checkDebug(path, node, (rule) => report(at(node.getStart()), rule))
    if (onWriter) checkDeterminism(node, (rule) => report(at(node.getStart()), rule))
    ts.forEachChild(node, visit)
  }
  visit(file)
  return findings
}

/**
 * Code that runs on the single writer: the engine, and every module's rules with all that they may
 * reach in their folder, which is what is not the module's face to the gateway and the views.
 */
function isOnWriter(path: string): boolean {
  const isRules = path.startsWith('systems/') && !/\/(routes|schemas|views)\.ts$/.test(path)
  return path.startsWith('engine/') || isRules || /(^|\/)rules\.ts$/.test(path)
}

type Report = (rule: string) => void

function checkImport(path: string, node: ts.Node, report: Report): void {
  const target = importedFrom(node)
  if (target === undefined) return
  if (!target.startsWith('.')) {
    if (isOnWriter(path)) report(`the single writer imports protocol alone, not ${target} (I5)`)
    // What is journaled of modules is MessagePack, and one place alone packs it.
    const isPacker = path === 'protocol/module-payload.ts' && target === 'msgpackr'
    if (path.startsWith('protocol/') && !target.startsWith('node:') && !isPacker) {
      report(`protocol imports nothing but Node's own modules, not ${target}`)
    }
    return
  }
  const from = path.split('/')[0] as string
  const imported = posix.join(posix.dirname(path), target)
  const to = imported.split('/')[0] as string
  if (from === 'systems') checkSystemsImport(path, imported, node, report)
  if (from === to) return
  const allowed = ARROWS[from]
  if (allowed === undefined) report(`${from}/ has no arrows: add it to ARROWS`)
  else if (!allowed.includes(to)) report(`${from}/ must not import ${to}/`)
  else if (from !== 'test' && to !== 'bench' && imported !== `${to}/index.ts`) {
    report(`only ${to}/index.ts may be imported, not ${imported}`)
  }
}

/** A module takes types alone from the rest, and nothing from another; its rules see no schemas run. */
function checkSystemsImport(path: string, imported: string, node: ts.Node, report: Report): void {
  const [folder, name] = imported.split('/')
  const isType = ts.isImportDeclaration(node) && node.importClause?.isTypeOnly === true
  if (folder !== 'systems') {
    if (!isType) report(`systems/ imports types alone of ${folder}/`)
  } else if (name !== path.split('/')[1]) {
    report(`systems/${path.split('/')[1]}/ must not import systems/${name}/`)
  } else if (isOnWriter(path) && !isOnWriter(imported) && !isType) {
    report(`the single writer imports types alone of ${imported} (I5)`)
  }
}

function importedFrom(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const from = node.moduleSpecifier
    return from !== undefined && ts.isStringLiteral(from) ? from.text : undefined
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const from = node.arguments[0]
    return from !== undefined && ts.isStringLiteralLike(from) ? from.text : undefined
  }
  return undefined
}

function checkLength(file: ts.SourceFile, node: ts.Node, report: Report): void {
  if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
  const first = file.getLineAndCharacterOfPosition(node.getStart()).line
  const last = file.getLineAndCharacterOfPosition(node.getEnd()).line
  if (last - first + 1 > FUNCTION_LINES_MAX) {
    report(`a function has ${FUNCTION_LINES_MAX} lines at most, this one ${last - first + 1}`)
  }
}

function checkDebug(path: string, node: ts.Node, report: Report): void {
  if (node.kind === ts.SyntaxKind.DebuggerStatement) report('no debugger statements')
  if (ts.isIdentifier(node) && node.text === 'console') report('no stray output: console')
  if (!ts.isPropertyAccessExpression(node)) return
  const { expression, name } = node
  const isStream = name.text === 'stdout' || name.text === 'stderr'
  const mayPrint = /^(cli|test|bench|examples)\//.test(path)
  if (isStream && expression.getText() === 'process' && !mayPrint) {
    report(`no stray output: only cli/ writes to ${name.text}`)
  }
  if (path.endsWith('.test.ts') && /^(skip|only|todo)$/.test(name.text)) {
    if (/^t\d?$/.test(expression.getText())) report(`no test is left out: t.${name.text}`)
  }
}

function checkDeterminism(node: ts.Node, report: Report): void {
  if (ts.isIdentifier(node) && BANNED_NAMES.has(node.text) && isFreeName(node)) {
    report(`no ${node.text} on the single writer (I5)`)
  }
  if (ts.isAwaitExpression(node)) report('no await on the single writer (I5)')
  if (ts.isBinaryExpression(node) && isPower(node.operatorToken.kind)) {
    report('no ** on the single writer: it may differ between machines (I5)')
  }
  if (!ts.isPropertyAccessExpression(node)) return
  const { expression, name } = node
  if (expression.getText() === 'Math' && BANNED_MATH.has(name.text)) {
    report(`no Math.${name.text} on the single writer (I5)`)
  }
  if (BANNED_METHODS.test(name.text)) report(`no ${name.text} on the single writer (I5)`)
  if (/^(sort|toSorted)$/.test(name.text) && ts.isCallExpression(node.parent)) {
    const isCalled = node.parent.expression === node
    if (isCalled && node.parent.arguments.length === 0 && !isTypedArray(expression)) {
      report(`no ${name.text} without a comparator on the single writer (I5)`)
    }
  }
}

function isPower(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.AsteriskAsteriskToken ||
    kind === ts.SyntaxKind.AsteriskAsteriskEqualsToken
  )
}

/** A name that stands for a global, not for a member, a property or a declaration of ours. */
function isFreeName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)) return parent.name !== node
  return !ts.isPropertyDeclaration(parent) && !ts.isMethodDeclaration(parent)
}

/** Numbers in typed arrays sort by value without a comparator; only a clear case is let through. */
function isTypedArray(expression: ts.Expression): boolean {
  return /^(Int|Uint|Float|BigInt|BigUint)\d+Array\b/.test(expression.getText().replace('new ', ''))
}
