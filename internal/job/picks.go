package job

// Picks are how people have marked the images of a batch. The names of its JSON stay.
type Picks struct {
	Picked   int `json:"picked"`
	Rejected int `json:"rejected"`
	Unmarked int `json:"unmarked"`
	// CUPerPicked is all that was spent for the batch for each picked image; absent where
	// none is picked.
	CUPerPicked *CU `json:"cuPerPicked,omitempty"`
}
