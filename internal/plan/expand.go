package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strconv"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// expand makes the jobs of a row: its images in as few requests as the model
// allows, numbered over the whole row. Its parameters, as checkRow leaves them, are used
// up. roll is how often the row was rolled again. It stops at the first error of yield and
// returns it.
func (c *checker) expand(batch string, row *manifest.Row, roll int, yield func(*job.Job) error) error {
	images, single := c.images(row)
	for done := 0; done < images; {
		size := images - done
		inputs := row.Parameters
		if !single {
			if size = c.requestSize(size); size < images {
				inputs = maps.Clone(row.Parameters)
			}
			if c.count != nil {
				inputs[c.count.Name] = wholeNumber(int64(size))
			}
		}
		j, err := c.job(batch, row, inputs, roll, done, size)
		if err != nil {
			return err
		}
		if err := yield(j); err != nil {
			return err
		}
		done += size
	}
	return nil
}

// job makes the job of a row's images after the first done ones. Its identity is
// taken before a seed is drawn and before names that depend on seed or identity
// are filled in, because both follow from it. A roll makes another job only of one whose
// seed is drawn: with a fixed seed it would be the same image.
func (c *checker) job(batch string, row *manifest.Row, inputs job.Inputs, roll, done, size int) (*job.Job, error) {
	open := manifest.OutputValues{Seed: "{" + openSeed + "}", Hash8: "{" + openHash + "}"}
	fixed := given(inputs[job.SeedInput])
	if fixed {
		open.Seed = written(inputs[job.SeedInput])
	}
	outputs, err := names(row.Output, open, done, size)
	if err != nil {
		return nil, err
	}
	j := &job.Job{Row: row.ID, Model: row.Model, Inputs: inputs, Outputs: outputs}
	j.ID = job.Identify(j.Model, inputs, outputs)
	if !fixed {
		j.ID = j.ID.Rolled(roll)
	}
	if c.prompt != nil {
		j.PromptInput = c.prompt.Name
	}
	if c.seed != nil && !fixed {
		inputs[job.SeedInput], j.SeedDrawn = c.draw(batch, j.ID), true
	}
	if row.Output.Uses(openHash) || row.Output.Uses(openSeed) {
		filled := manifest.OutputValues{Seed: j.Seed(), Hash8: string(j.ID[:8])}
		if j.Outputs, err = names(row.Output, filled, done, size); err != nil {
			return nil, err
		}
	}
	return j, nil
}

func names(template manifest.Template, values manifest.OutputValues, done, size int) ([]string, error) {
	names := make([]string, size)
	for i := range names {
		values.N = done + i + 1
		name, err := template.Expand(values)
		if err != nil {
			return nil, fmt.Errorf("name image %d: %w", values.N, err)
		}
		names[i] = name
	}
	return names, nil
}

const (
	usualMaxSeed = math.MaxInt32 // where the model names no bound
	exactMaxSeed = 1<<53 - 1     // beyond it readers of JSON lose digits
)

// draw returns the seed of a job whose row names none, within the model's bounds.
func (c *checker) draw(batch string, id job.ID) any {
	low, high := int64(0), int64(usualMaxSeed)
	if c.seed.min > 0 && c.seed.min < exactMaxSeed {
		low = int64(math.Ceil(c.seed.min))
	}
	if !math.IsInf(c.seed.max, 1) {
		high = int64(min(c.seed.max, exactMaxSeed))
	}
	seed := low + job.DrawSeed(batch, id, max(high-low, 0))
	if c.seed.Type == job.TypeString {
		return strconv.FormatInt(seed, 10)
	}
	return wholeNumber(seed)
}

func wholeNumber(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
