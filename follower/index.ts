// The follower's face: an engine of its own behind the durable journal, which makes snapshots, retires
// what they stand in for, and feeds sinks. A process of its own runs it; the server needs none.
//
//   const follower = new Follower({ directories, schedule, archive: 'keep', onMessage })
//   const control = await listenForControl(path, { ... })
//   await follower.run(signal)                        // until told, or until something is wrong

export type { ArchivePolicy } from './archive.ts'
export { type Control, type ControlAnswers, listenForControl } from './control.ts'
export { Followed, type FollowedOptions, type FollowerStorages } from './followed.ts'
export {
  Follower,
  type FollowerDirectories,
  type FollowerOptions,
  type FollowerStatus,
} from './follower.ts'
export { FrameCapture } from './frame-capture.ts'
export { snapshotOffline } from './offline.ts'
export { askFollower, type ControlRequest, controlPath, FollowerRefused } from './requests.ts'
export { Rests } from './rests.ts'
export type { ScheduleOptions } from './schedule.ts'
export type { Sink, SinkBatch, SinkFrame, SinkStatus } from './sink.ts'
export type { SnapshotMade } from './snapshot-made.ts'
