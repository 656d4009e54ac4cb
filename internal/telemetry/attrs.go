package telemetry

// The names of what is logged beside the constant messages. One job is followed
// from the enqueue to its objects by AttrJobID, and a batch by AttrBatchID.
const (
	AttrBatchID     = "batch_id"
	AttrJobID       = "job_id"
	AttrRow         = "row"          // the manifest's id of the row
	AttrAttempt     = "attempt"      // of the job, from 1
	AttrAPIKey      = "api_key"      // the id of an API key, never the credential
	AttrInferenceID = "inference_id" // the provider's id of the run
	AttrAssetID     = "asset_id"     // the provider's id of the image
	AttrObjectKey   = "object_key"   // in the bucket
	AttrCU          = "cu"           // what a run was billed
	AttrState       = "state"        // of the job
	AttrReason      = "reason"       // for a wait, one of job.WaitReasons; for a failure, what happened
	AttrHint        = "hint"         // what a person can do
	AttrAfter       = "after"        // how long it waits before it goes on
	AttrErr         = "err"
	AttrComponent   = "component" // the part of the program
	AttrLane        = "lane"      // "<pool>/<mode>"
	AttrWorker      = "worker"    // the worker's name
	AttrTask        = "task"      // the kind of the queue's task
	AttrText        = "text"      // the message of a library
	AttrRepeated    = "repeated"  // how many equal warnings were left out before this one
)
