package simulator

import (
	"time"

	"nightshift/internal/job"
)

// uploadStatuses are the statuses of the job that stands for an upload. That they follow
// those of the upload is the simulator's own.
var uploadStatuses = map[string]string{
	uploadPending:    statusPending,
	uploadValidating: statusInProgress,
	uploadValidated:  statusFinalizing,
	uploadImported:   statusSuccess,
	uploadFailed:     statusFailure,
}

// uploadJob shows an upload in parts as a job. Scenario API: such jobs stand among the
// others, cost nothing, and name the asset in their output.
func (s *Simulator) uploadJob(u *upload, now time.Time) jobRecord {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	status, changed := uploadStatuses[u.status(now)], s.stamp(u.changed(now))
	record := jobRecord{
		JobID: u.job, JobType: jobUpload, Status: status, OwnerID: u.key.Project, AuthorID: u.key.ID,
		CreatedAt: s.stamp(u.began), UpdatedAt: changed, Billing: &billingRecord{},
		Metadata:      jobMetadata{Input: job.Inputs{}},
		StatusHistory: []statusRecord{{statusPending, s.stamp(u.began)}},
	}
	if status != statusPending {
		record.StatusHistory = append(record.StatusHistory, statusRecord{status, changed})
	}
	switch status {
	case statusSuccess:
		record.Progress, record.Metadata.Output = 1, map[string]any{"entityId": u.asset.id}
	case statusFailure:
		record.Metadata.Error = u.failure
	}
	return record
}
