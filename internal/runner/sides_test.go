package runner

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"nightshift/internal/job"
)

// Who is at fault that an image is not stored, what is waited for, and for how long.
func TestSides(t *testing.T) {
	t.Parallel()
	plain := errors.New("no")
	_, cut := linkBody{io.MultiReader(strings.NewReader("half"), failing{io.ErrUnexpectedEOF})}.readAll()
	scope := &job.ScopeError{Action: job.ReadAssets, Scope: "assets.read", Refusal: &job.AccessError{Access: job.AccessScope}}
	const never = 1 << 30
	for name, test := range map[string]struct {
		err    error
		side   job.Side
		reason job.WaitReason
		person bool
		tries  int
	}{
		"the bucket":             {plain, job.SideBucket, job.WaitStorage, false, never},
		"the API does not know":  {ofProvider(fmt.Errorf("read: %w", job.ErrNotFound)), job.SideProvider, job.WaitAsset, false, maxStoreTries},
		"the API is away":        {ofProvider(plain), job.SideProvider, job.WaitAsset, false, never},
		"the link is gone":       {ofProvider(&job.SideError{Side: job.SideLinkHost, Err: job.ErrGone}), job.SideLinkHost, job.WaitLinkHost, false, maxStoreTries},
		"the link's host is bad": {&job.SideError{Side: job.SideLinkHost, Err: plain}, job.SideLinkHost, job.WaitLinkHost, false, never},
		"the link is refused":    {&job.SideError{Side: job.SideLinkHost, Err: &job.LinkRefusedError{}}, job.SideLinkHost, job.WaitLinkHost, false, maxRefusedLinks},
		"a bad image":            {fmt.Errorf("store: %w", &job.BadImageError{}), job.SideLinkHost, job.WaitLinkHost, false, maxStoreTries},
		"the download is cut":    {fmt.Errorf("store: %w", cut), job.SideLinkHost, job.WaitLinkHost, false, never},
		"a missing scope":        {ofProvider(scope), job.SideProvider, job.WaitAccess, true, never},
		"a bad key":              {ofProvider(&job.AccessError{Access: job.AccessKey}), job.SideProvider, job.WaitQuarantine, true, never},
	} {
		wait := storeWait(test.err)
		if side := sideOf(test.err); side != test.side || wait.Reason != test.reason || wait.NeedsOperator != test.person || mostTries(test.err) != test.tries {
			t.Errorf("%s: the %s, %+v, %d rounds; want %+v", name, side, wait, mostTries(test.err), test)
		}
	}
}

func (b linkBody) readAll() ([]byte, error) { return io.ReadAll(b) }

// failing is a body that breaks off.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
