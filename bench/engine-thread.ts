// One size of the engine's benchmark in a thread of its own, as an engine has it in a server.

import { parentPort, workerData } from 'node:worker_threads'
import { benchEngine, type EngineBenchOptions } from './engine.ts'

benchEngine(workerData as EngineBenchOptions).then((result) => parentPort?.postMessage(result))
