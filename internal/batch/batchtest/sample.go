package batchtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"nightshift/internal/job"
)

// Start is when the night of the samples begins.
var Start = time.Date(2026, 3, 4, 22, 0, 0, 0, time.UTC)

var (
	items      = []string{"health potion", "mana potion", "iron helmet", "dragon scale", "rune of frost", "amber lantern", "old map"}
	styleNames = []string{"painterly", "pixel", "ink"}
	styleTexts = []string{"hand painted, soft rim light, visible brush strokes", "16-bit pixel art, limited palette", "ink drawing with washes of grey"}
)

// Result is a job as a night leaves it: every eleventh failed, every
// seventh has a warning.
func Result(n int) job.Result {
	item, style := items[n%len(items)], n/len(items)%len(styleNames)
	row := fmt.Sprintf("%s-%03d", strings.ReplaceAll(item, " ", "-"), n)
	seed := fmt.Sprint(100000 + 7919*n)
	prompt := fmt.Sprintf("A %s, %s, centered on a plain background, no text", item, styleTexts[style])
	if n%5 == 3 {
		prompt += strings.Repeat(", with fine details in the worn edges and a faint glow that falls on the ground below it", 6)
	}
	inputs := job.NormalInputs(map[string]any{
		"prompt": prompt, "width": 512, "height": 512, "numInferenceSteps": 28, "guidance": 3.5, "seed": json.Number(seed),
	})
	name := styleNames[style] + "/" + row + ".{ext}"
	sent := Start.Add(time.Duration(n) * 9 * time.Second)
	result := job.Result{
		Job: job.Identify("model_bfl-flux-1-dev", inputs, []string{name}), Index: n, Row: row, State: job.Succeeded,
		Model: "model_bfl-flux-1-dev", Prompt: prompt, Inputs: inputs, Seed: seed, Outputs: []string{name},
		Variables: map[string]string{"item": item, "style": styleNames[style], "name": row},
		Inference: fmt.Sprintf("job_%06d", n), Attempts: 1, Quoted: 5 * job.OneCU, Billed: 5*job.OneCU + job.CU(n%3)*500,
		Submitted: sent, Ended: sent.Add(time.Duration(12+n%17) * time.Second), Recorded: sent.Add(time.Duration(14+n%17) * time.Second),
	}
	if n%11 == 5 {
		result.State, result.Kind, result.Refunded = job.Failed, "rejected", result.Billed
		result.Reason = "The output was flagged by the provider's content moderation."
		result.Hint = "Change the prompt of this row and enqueue the manifest again; only this row runs."
	}
	return result
}
