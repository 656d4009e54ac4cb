package batch

// Blockage is why nothing of a batch goes on without a person.
type Blockage struct {
	Err  error
	Hint string // what the person can do
	Ends bool   // the batch is not to wait for that
}
