package job

// WaitReason says what a job waits for; a closed list, used as a label.
type WaitReason string

// The reasons.
const (
	WaitRequestRate WaitReason = "request_rate"     // requests per minute of the project
	WaitParallel    WaitReason = "parallel_ceiling" // running jobs of the team
	WaitKeyCU       WaitReason = "cu_key"           // the key's CU cap
	WaitProjectCU   WaitReason = "cu_project"       // the project's CU cap
	WaitTeamCU      WaitReason = "cu_team"          // the team's CU cap
	WaitBatchCU     WaitReason = "cu_batch"         // the batch's CU budget
	WaitCooldown    WaitReason = "cooldown"         // the provider told us to pause
	WaitAllowance   WaitReason = "allowance"        // the plan's allowance is used up
	WaitQuarantine  WaitReason = "quarantine"       // the key was refused
	WaitBackoff     WaitReason = "backoff"          // the provider or network fails
	WaitUnknown     WaitReason = "unknown_outcome"  // a lost reply is being looked up
	WaitStorage     WaitReason = "storage"          // the bucket does not take the image
	WaitAsset       WaitReason = "asset"            // the provider shows no image of a run
	WaitLinkHost    WaitReason = "link_host"        // the host of a link gives no whole image
	WaitAccess      WaitReason = "access"           // no API key may read what was paid for
	WaitWindow      WaitReason = "window"           // the batch may start jobs at other hours
	WaitDecision    WaitReason = "decision"         // a lost reply that a person must decide
	WaitNoKey       WaitReason = "no_key"           // no API key of the pool may run it
	WaitRecovery    WaitReason = "recovery"         // Redis lost state, which is being restored
	WaitPaused      WaitReason = "paused"           // a person paused the batch
	WaitStatus      WaitReason = "provider_status"  // runs have a status that nobody knows
	WaitUpload      WaitReason = "upload"           // a picture is being uploaded
	WaitNeed        WaitReason = "need"             // an image of another row is not made yet
)

// WaitReasons lists the reasons.
var WaitReasons = []WaitReason{
	WaitRequestRate, WaitParallel, WaitKeyCU, WaitProjectCU, WaitTeamCU, WaitBatchCU, WaitCooldown, WaitAllowance,
	WaitQuarantine, WaitBackoff, WaitUnknown, WaitStorage, WaitAsset, WaitLinkHost, WaitAccess, WaitWindow, WaitDecision, WaitNoKey, WaitRecovery, WaitPaused, WaitStatus, WaitUpload,
	WaitNeed,
}
