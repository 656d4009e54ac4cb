package nights

import (
	"slices"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// pictureNames are the names that plans may give to assets, by asset, and the names of images
// that jobs have made, by content. Images of the same content are one upload.
func (n *drawnNight) pictureNames() (names, made map[string][]string) {
	names, made = make(map[string][]string), make(map[string][]string)
	for _, b := range n.batches {
		for _, r := range b.succeeded() {
			for i, image := range r.Images {
				name, sum := job.Picture{Job: r.Job, Image: i}.String(), b.hashOf(r.Key(b.manifest.Batch(), i))
				names[image.Asset], made[sum] = append(names[image.Asset], name), append(made[sum], name)
			}
		}
	}
	for _, upload := range n.sim.Uploads() {
		if upload.AssetID != "" {
			names[upload.AssetID] = append(names[upload.AssetID], job.Picture{SHA256: upload.SHA256}.String())
			names[upload.AssetID] = append(names[upload.AssetID], made[upload.SHA256]...)
		}
	}
	return names, made
}

// pictureInputs are those of each model that jobs of the night give pictures to.
func (n *drawnNight) pictureInputs() map[string][]string {
	inputs := make(map[string][]string)
	for _, b := range n.batches {
		for _, j := range b.asked {
			for _, name := range j.PictureInputs {
				if !slices.Contains(inputs[j.Model], name) {
					inputs[j.Model] = append(inputs[j.Model], name)
				}
			}
		}
	}
	return inputs
}

// ledger is the simulator's, in which pictures are named as plans name them: by their content,
// or by the job that has made them. Of several names that an asset may have it is the one of
// which a job has asked for the whole.
func (n *drawnNight) ledger() []simulator.Entry {
	names, _ := n.pictureNames()
	inputs, asked := n.pictureInputs(), make(map[string]bool)
	for _, b := range n.batches {
		for _, j := range b.asked {
			asked[content(j.Model, j.Inputs)] = true
		}
	}
	entries := n.sim.Ledger()
	for i := range entries {
		e := &entries[i]
		if named, is := naming(e.Input, inputs[e.Model], names, func(in job.Inputs) bool { return asked[content(e.Model, in)] }); is {
			e.Input = named
		}
	}
	return entries
}

// naming gives the assets of an input the names with which a job has asked for it. It reports
// false where no job has.
func naming(in job.Inputs, inputs []string, names map[string][]string, asked func(job.Inputs) bool) (job.Inputs, bool) {
	asset := ""
	in.WithPictures(inputs, func(value string) string {
		if len(names[value]) > 0 && asset == "" {
			asset = value
		}
		return value
	})
	if asset == "" {
		return in, asked(in)
	}
	for _, name := range names[asset] {
		put := in.WithPictures(inputs, func(value string) string {
			if value == asset {
				return name
			}
			return value
		})
		if named, is := naming(put, inputs, names, asked); is {
			return named, true
		}
	}
	return in, false
}

// taken are the pictures of some kind in an entry of the ledger that names them.
func (n *drawnNight) taken(e simulator.Entry, of func(job.Picture) bool) []job.Picture {
	j := job.Job{Inputs: e.Input, PictureInputs: n.pictureInputs()[e.Model]}
	return slices.DeleteFunc(j.Pictures(), func(p job.Picture) bool { return !of(p) })
}

// isMade says that a picture is an image of a job, isGiven that it is a file.
func isMade(p job.Picture) bool  { return p.Job != "" }
func isGiven(p job.Picture) bool { return p.SHA256 != "" }
