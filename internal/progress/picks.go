package progress

import (
	"fmt"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// PickWords say how images are marked and what a picked one has cost; "" where nobody has
// marked any.
func PickWords(p *job.Picks) string {
	if p == nil {
		return ""
	}
	each := "-"
	if p.CUPerPicked != nil {
		each = amount(*p.CUPerPicked)
	}
	return fmt.Sprintf("%s picked, %s rejected, %s unmarked; %s CU per picked image", text.Number(p.Picked), text.Number(p.Rejected), text.Number(p.Unmarked), each)
}
