package nights

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"nightshift/internal/simulator"
)

// placeholder is what dry runs take in place of pictures. One too many harms nobody, and a
// command that cannot read the list of assets uploads another.
const placeholder = "nightshift-placeholder.png"

// judgeUploads: a project has each content once. It is uploaded again only where the provider
// has said that the asset is not there, or has shown none for the grace time in which a lost
// answer was looked for. Nothing else makes another of what is there.
func (n *drawnNight) judgeUploads() {
	n.t.Helper()
	last := make(map[string]simulator.UploadEntry)
	for _, u := range n.sim.Uploads() {
		if u.AssetID == "" || u.Name == placeholder {
			continue
		}
		what := u.Project + ", " + u.SHA256
		if before, known := last[what]; known && !n.seemedGone(before, u.Accepted) {
			n.fail("a picture is uploaded once", "", "%s of %s was uploaded as %s after %s, reply lost by %q, and again as %s after %s", u.Name, u.Project,
				before.AssetID, before.Accepted.Sub(n.began), before.LostReply, u.AssetID, u.Accepted.Sub(n.began))
		}
		last[what] = u
	}
}

// seemedGone reports whether whoever asked about an asset up to a time had to believe that it
// is not there.
func (n *drawnNight) seemedGone(u simulator.UploadEntry, until time.Time) bool {
	if u.Deleted {
		return true
	}
	var empty []time.Time
	n.diary.mu.Lock()
	defer n.diary.mu.Unlock()
	for _, l := range n.diary.lines {
		switch {
		case l.at.Before(u.Accepted) || l.at.After(until):
		case l.what == "fault "+string(simulator.FaultEmptyAssets):
			empty = append(empty, l.at)
		case l.who == "wire" && strings.Contains(l.what, "GET /v1/assets/"+u.AssetID+"?") && strings.HasSuffix(l.what, fmt.Sprint(http.StatusNotFound, " ", http.StatusText(http.StatusNotFound))):
			return true
		}
	}
	return len(empty) > 1 && empty[len(empty)-1].Sub(empty[0]) >= grace-time.Second
}
