package worker

// sends are the jobs that are being sent, by batch and by what was known then of what is
// wanted of it. A worker that has heard of a pause or a cancellation says so when none of
// before is under way: after that nothing more goes out.
type sends map[string]map[string]int

// sending lets a handler send a granted job of a batch, unless the batch was paused,
// cancelled or replaced while it waited; sent must be called when the request is over.
func (w *Worker) sending(batch string) (sent func(), open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	held := w.batches[batch]
	if held == nil || !held.rules().Open() {
		return nil, false
	}
	version := held.version()
	if w.sends[batch] == nil {
		w.sends[batch] = make(map[string]int)
	}
	w.sends[batch][version]++
	return func() { w.sent(batch, version) }, true
}

func (w *Worker) sent(batch, version string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	of := w.sends[batch]
	if of[version]--; of[version] > 0 {
		return
	}
	delete(of, version)
	if len(of) == 0 {
		delete(w.sends, batch)
	}
	if held := w.batches[batch]; held == nil || held.version() != version { // somebody may wait for it
		select {
		case w.settled <- struct{}{}:
		default:
		}
	}
}

// settledVersion is the version of a batch that this worker acts on: an earlier one while
// jobs are being sent that were begun under it. The caller holds the lock.
func (w *Worker) settledVersion(held *knownBatch) string {
	now := held.version()
	for version := range w.sends[held.Batch] {
		if version != now {
			return version
		}
	}
	return now
}
