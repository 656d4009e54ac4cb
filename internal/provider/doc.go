// Package provider is the port behind which an image API stands, and this comment is its
// contract: it is all that a person needs to put another API there. Package
// provider/scenario is one; function OpenProvider of internal/app chooses by the
// provider of an API key.
//
// # Errors
//
// What an API says is told in the kinds of package job, never by a status or a text:
//
//   - [job.ErrInvalid] (as a [job.ProviderError], with the API's words): the request can
//     never succeed as it is. The job fails.
//   - [job.RejectedError]: refused for a reason that a person needs to see.
//   - [job.LimitError]: refused for a limit, which Limit names. For an allowance that all
//     keys of a team share, Scope is [job.ScopeTeam].
//   - [job.AccessError]: refused for who asks. AccessKey sets the key aside; for a scope or
//     a plan the job moves to another key or fails.
//   - [job.ErrNotFound], [job.ErrGone]: there is no such thing, or not any more.
//   - any other error: it may pass.
//
// No error, and nothing that is logged, holds a credential or a signed link.
//
// # Money
//
// Submit is the only method that may cost anything. It sends one request and never
// repeats it, nor may anything below it. Its errors say whether the request can have been
// accepted: a [job.UnknownOutcomeError] says that nobody knows; with every other error
// it is certain that it was not. In doubt the outcome is unknown: a reply that cannot be
// read, a 5xx, a timeout, a connection that broke after the first byte was written.
//
// Once the time late has come, Submit must not begin to send: somebody else looks for the
// request by then and may send it again. Having sent nothing is an error of the last kind.
//
// A run that is over when it is answered has an ending status. If the API keeps no images
// of it, they are in Images, with an id in AssetIDs for each; they are stored from there.
//
// # Runs
//
// The id of a run is the same as long as the API knows it. Of a run that ended, Poll says
// all that matters: status, assets in the order of the images, what was billed, for a
// failed one why, whether the same request may succeed later (Transient), and whether the
// charge is kept (RefundDisabled).
//
// What an entry of a list says is not the end of a run that failed, or that made fewer
// images than it was to: the run itself is read before that is told. A run that shows other
// inputs than those it was asked for is Foreign, and the images of it are nobody else's.
//
// Poll may be called for hundreds of runs several times in a second. It reads as few
// pages as it can and leaves out what it cannot tell for now. A run that the API does not
// know comes back as [job.RunNotFound]; it is given up only after that was said several
// times over minutes, so that a list may lag.
//
// # Lost answers
//
// Find is asked again and again, for all requests whose outcome is unknown. What it says
// of each decides over money:
//
//   - Runs with one run, not Unclear: it is adopted. So the run must have been made by the
//     API since Earliest(Sent), be of the same model and inputs, belong to nobody else
//     by Ours and, where nothing like a seed of ours tells runs apart, be of the same
//     Author.
//   - More Runs than requests that ask for the same: a person decides.
//   - Unclear: a person decides. An API that has neither a list nor a way to ask for a
//     request always answers so, and reads nothing.
//   - no Runs and Complete: it was not there at Asked. After that was said several times,
//     spread over the grace time, the request is sent again. So Complete is true only
//     where everything was looked at that can be the request's, and shown in full.
//   - no Runs and Bare: nothing that was shown is of the request's time, so that nothing
//     tells the list from one that is empty by a fault. After some grace times it is
//     asked for with Elsewhere, or sooner with Soon, where the list is nearly of that time: then another source than the list is asked, too, and where
//     that cannot vouch for the list, either, Unclear is set.
//   - no Runs and not Complete: it is asked again. Lacks says why, where a list lacks a run
//     that is known to be there.
//
// The API's clocks are not believed: a run with a seed that was drawn for one job alone, or
// with a stated one and of the same API key, is in Early whatever its time, and is that job's
// if no other is found; what is alike but for its time is asked about where clocks were seen
// to disagree, and before a request is sent again.
//
// What cannot be read is never taken for different, and never for absent.
//
// # Requests
//
// An account's own methods count no requests: commands that ask now and then count their
// calls. Of the provider that Limited returns, every request but that of Submit waits for
// a place with [Requests.Wait] first, and every refusal is told to [Requests.Refused].
//
// # Beside it
//
// What not every API can is asked for by a type assertion, where it is used; see
// OpenProvider.
package provider
