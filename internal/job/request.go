package job

// Request is what a job asks the provider for.
type Request struct {
	Model  string
	Inputs Inputs
	// PromptInput is the name of the input that holds the prompt; "" where none does.
	PromptInput string
	// SeedDrawn says that the seed is one that we drew for this job alone.
	SeedDrawn bool
	// PictureInputs are the names of the inputs that hold pictures.
	PictureInputs []string
}

// Request is what the job asks for.
func (j *Job) Request() Request {
	r := Request{Model: j.Model, Inputs: j.Inputs, PromptInput: j.PromptInput, SeedDrawn: j.SeedDrawn, PictureInputs: j.PictureInputs}
	if len(j.Assets) > 0 {
		r.Inputs = j.Inputs.WithPictures(j.PictureInputs, func(value string) string {
			if asset := j.Assets[value]; asset != "" {
				return asset
			}
			return value
		})
	}
	return r
}

// Seed is the seed that is sent, as text, or "" where none is.
func (r Request) Seed() string { return r.Inputs.seed() }
