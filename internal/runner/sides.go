package runner

import (
	"errors"
	"io"

	"nightshift/internal/job"
)

const (
	// After this many rounds in which no whole image was to be had, the job fails: the
	// asset itself is broken.
	maxStoreTries = 8
	// From this round on a person is told that a read is refused; one refusal may be a
	// gateway's mistake.
	surelyRefused = 2
	// A link that is refused fails earlier: a later one leads elsewhere or never will.
	maxRefusedLinks = 3
)

// sideOf is whose fault it is that an image was not stored.
func sideOf(err error) job.Side {
	if of, told := errors.AsType[*job.SideError](err); told {
		return of.Side
	}
	if _, bad := errors.AsType[*job.BadImageError](err); bad {
		return job.SideLinkHost
	}
	return job.SideBucket
}

// ofProvider makes an error one of the provider's, unless it says whose it is.
func ofProvider(err error) error {
	if _, told := errors.AsType[*job.SideError](err); told {
		return err
	}
	return &job.SideError{Side: job.SideProvider, Err: err}
}

// linkBody makes errors of an image's body those of the link's host: the bucket reads it,
// and what comes back from there would look like its own.
type linkBody struct{ io.Reader }

// Read implements [io.Reader].
func (b linkBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF { // only io.EOF itself is the end
		err = &job.SideError{Side: job.SideLinkHost, Err: err}
	}
	return n, err
}

// storeWait is the wait for whoever is at fault.
func storeWait(err error) *job.PostponedError {
	wait := &job.PostponedError{Reason: job.WaitStorage, Detail: err.Error()}
	if access, refused := errors.AsType[*job.AccessError](err); refused {
		wait.Reason, wait.NeedsOperator = accessWait(access), true
		return wait
	}
	switch sideOf(err) {
	case job.SideProvider:
		wait.Reason = job.WaitAsset
	case job.SideLinkHost:
		wait.Reason = job.WaitLinkHost
	}
	return wait
}

// accessWait is the reason to wait after a read was refused.
func accessWait(access *job.AccessError) job.WaitReason {
	if access.Access == job.AccessKey {
		return job.WaitQuarantine
	}
	return job.WaitAccess
}

// mostTries is after how many rounds of this error the job fails. What our side or an
// outage is the reason of is tried for ever: the image is paid for.
func mostTries(err error) int {
	const never = 1 << 30
	_, bad := errors.AsType[*job.BadImageError](err)
	_, refused := errors.AsType[*job.LinkRefusedError](err)
	switch {
	case refused || foreignAsset(err):
		return maxRefusedLinks
	case bad || errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrNotFound):
		return maxStoreTries
	default:
		return never
	}
}

// notStoredHint is what to do about an image that is paid for and cannot be had.
func notStoredHint(inference string, err error) string {
	if link, refused := errors.AsType[*job.LinkRefusedError](err); refused && link.Inner {
		return "if the host is yours, name it in NIGHTSHIFT_LINK_HOSTS and run again: the inference " + inference +
			" is paid for, and is collected and not paid again; else ask the provider"
	}
	if foreignAsset(err) {
		return "the inference " + inference + " is paid for; run again to look once more for images of its own, or ask the provider"
	}
	return "the inference " + inference + " is paid for; run again to try once more, download the asset by hand or ask the provider"
}
