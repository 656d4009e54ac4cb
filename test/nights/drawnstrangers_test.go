package nights

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider/scenario"
	"nightshift/internal/simulator"
)

// Strangers: another program starts runs that nearly look like ours, with one of our keys, or
// the very same with a key of its own in one of our projects, whose runs our lists show.
var _ = register(capability{name: "strangers", counts: []string{likeOurs, ourVeryOwn}, draw: drawStrangers})

const (
	likeOurs   = "another program runs nearly the same with our key"
	ourVeryOwn = "another program runs the same beside us"
	// foreignKey is the key of the other program.
	foreignKey = "stranger"
	// theirMark ends its prompts where the key is ours.
	theirMark = "!"
)

func drawStrangers(r *rand.Rand, s *script) *part {
	if r.IntN(4) > 0 {
		return nil
	}
	beside := s.keys[r.IntN(len(s.keys))]
	s.others = append(s.others, keyOf(foreignKey, beside.Project, beside.Team))
	runs := 2 + r.IntN(12)
	for range runs {
		name, key, mark := ourVeryOwn, foreignKey, ""
		if r.IntN(2) == 0 {
			name, key, mark = likeOurs, beside.Key.Key, theirMark
		}
		strike := func(n *drawnNight) { n.strangerRuns(key, mark) }
		s.events = append(s.events, event{at: within(r, s.length), trouble: trouble{name: name, mild: true, strike: strike}})
	}
	return &part{
		tells: fmt.Sprintf("%d runs, with key %s or one beside it", runs, beside.Key.Key),
		begin: func(n *drawnNight) {
			n.theirs = func(e simulator.Entry) bool {
				return e.Key == foreignKey || strings.HasSuffix(fmt.Sprint(e.Input["prompt"]), theirMark)
			}
		},
	}
}

// strangerRuns has the other program ask for what one of our jobs asks for.
func (n *drawnNight) strangerRuns(key, mark string) {
	n.t.Helper()
	b := n.anyBatch()
	if b == nil || len(b.asked) == 0 {
		return
	}
	ids := slices.Sorted(maps.Keys(b.asked))
	j := b.asked[ids[n.random.IntN(len(ids))]]
	if key == foreignKey && j.Seed() != "" {
		return // the same image, which a job whose own reply is lost may take; the books say more then than our key paid
	}
	inputs := maps.Clone(j.Inputs)
	inputs["prompt"] = fmt.Sprint(inputs["prompt"], mark)
	if j.Seed() != "" { // with it and a prompt that is hidden nothing would tell the two apart
		inputs["seed"] = json.Number(strconv.Itoa(n.random.IntN(1 << 30)))
	}
	inputs = inputs.WithPictures(j.PictureInputs, func(name string) string { return n.uploadedAs(name, n.projectOf(key)) })
	client, err := scenario.New(scenario.Options{BaseURL: "http://simulator/v1", Key: key, Secret: "secret-" + key, Transport: simulator.Transport(n.sim)})
	if err != nil {
		n.t.Error(err)
		return
	}
	_, err = client.Submit(n.t.Context(), time.Time{}, job.Request{Model: j.Model, Inputs: inputs})
	n.diary.note("stranger", "as %s: %s: %v", key, content(j.Model, inputs), err)
}

// uploadedAs is the newest asset of a project for a picture that a plan names; the name where
// there is none, which the provider refuses.
func (n *drawnNight) uploadedAs(name, project string) string {
	for _, u := range slices.Backward(n.sim.Uploads()) {
		if u.AssetID != "" && !u.Deleted && u.Project == project && (job.Picture{SHA256: u.SHA256}).String() == name {
			return u.AssetID
		}
	}
	return name
}

// projectOf is the project of an API key, of another program, too.
func (n *drawnNight) projectOf(key string) string {
	for _, k := range n.script.others {
		if k.Key == key {
			return k.Project
		}
	}
	for _, k := range n.script.keys {
		if k.Key.Key == key {
			return k.Project
		}
	}
	return ""
}
