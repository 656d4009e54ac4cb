package plan

import (
	"maps"
	"slices"
	"strconv"

	"nightshift/internal/job"
)

// AppendLine appends the job as a line of a written plan: what [json.Encoder] writes
// of it without HTML escaping. Before is no part of a plan.
func (j *PlannedJob) AppendLine(line []byte) []byte {
	return appendEnd(appendJob(line, &j.Job), j.Quote, j.Status)
}

// appendJob appends a line up to the price.
func appendJob(line []byte, j *job.Job) []byte {
	line = job.AppendText(append(line, `{"job":`...), string(j.ID))
	line = strconv.AppendInt(append(line, `,"index":`...), int64(j.Index), 10)
	line = job.AppendText(append(line, `,"row":`...), j.Row)
	if j.Place != "" {
		line = job.AppendText(append(line, `,"place":`...), j.Place)
	}
	line = job.AppendText(append(line, `,"model":`...), j.Model)
	line = j.Inputs.AppendCanonical(append(line, `,"inputs":`...))
	if j.PromptInput != "" {
		line = job.AppendText(append(line, `,"promptInput":`...), j.PromptInput)
	}
	if len(j.PictureInputs) > 0 {
		line = appendTexts(append(line, `,"pictureInputs":`...), j.PictureInputs)
	}
	if len(j.PictureNames) > 0 {
		line = appendVariables(append(line, `,"pictureNames":`...), j.PictureNames)
	}
	if j.Picked {
		line = append(line, `,"picked":true`...)
	}
	if j.SeedDrawn {
		line = append(line, `,"seedDrawn":true`...)
	}
	line = appendTexts(append(line, `,"outputs":`...), j.Outputs)
	if len(j.Variables) > 0 {
		line = appendVariables(append(line, `,"variables":`...), j.Variables)
	}
	return line
}

func appendTexts(line []byte, texts []string) []byte {
	line = append(line, '[')
	for i, text := range texts {
		if i > 0 {
			line = append(line, ',')
		}
		line = job.AppendText(line, text)
	}
	return append(line, ']')
}

func appendVariables(line []byte, variables map[string]string) []byte {
	open := byte('{')
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		line = job.AppendText(append(line, open), name)
		line = job.AppendText(append(line, ':'), variables[name])
		open = ','
	}
	return append(line, '}')
}

// appendEnd appends the rest of a line.
func appendEnd(line []byte, quote job.CU, status Status) []byte {
	line = append(append(line, `,"quote":`...), quote.String()...)
	line = job.AppendText(append(line, `,"status":`...), string(status))
	return append(line, "}\n"...)
}
