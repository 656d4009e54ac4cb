package statements

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/simulator"
	"nightshift/internal/wait"
)

// statement is a sentence of a document and what would fail were it not true.
type statement struct {
	doc, quote string
	check      func(*testing.T)
}

var statements = []statement{
	// Settings.
	{"docs/configuration.md", "Every complaint starts with the name of the variable, and the program ends with exit code 2.", inBed(simulator.Options{}, complaints)},
	{"docs/configuration.md", "The most that is sent in any minute: submissions, job lists, model and asset reads, dry runs.", inBed(fullRate, requestsInAnyMinute)},
	{"docs/configuration.md", "Downloads do not count. At least 10.", inBed(simulator.Options{}, leastRequests)},
	{"docs/configuration.md", "Test batches are refused if it is the live API.", inBed(simulator.Options{}, testOnLiveAPI)},
	{"docs/configuration.md", "A key with which a live batch of the same folder or bucket was made is refused to batches of mode test.", inBed(studioKey, liveKeyForTest)},
	{"docs/configuration.md", "Without it, live batches go to `https://api.cloud.scenario.com/v1`", is(config.LiveURL, "https://api.cloud.scenario.com/v1")},
	{"docs/configuration.md", "A worker sends nothing once half of it, at most a minute, has gone by", constant("internal/runner/watch.go", "maxSendMargin", "time.Minute")},

	// The keys file.
	{"docs/keys.md", "the most that is sent in any minute; at least 10", inBed(fullRate, requestsOfAKeysFile)},
	{"docs/keys.md", "A batch uses only those keys of its pool that have its own `mode`. Where there are none, it is refused", inBed(simulator.Options{}, testBatchOnLiveKeys)},
	{"docs/keys.md", "since a keys file never means the built-in simulator, and it is never that of the live API", inBed(simulator.Options{}, testKeysNeedAnAddress)},
	{"docs/keys.md", "try all of this by free requests first, and name what is missing", missingScopes},
	{"docs/keys.md", "letters, digits, `-`, `_`, `.`, at most 60", constant("internal/config/keysfile.go", "maxID", "60")},
	{"docs/keys.md", "Names of pools, projects, teams and batches have letters, digits, `-`, `_` and `.`, at most 80.", constant("internal/config/keysfile.go", "maxName", "80")},
	{"docs/keys.md", "The file has at most 1 MiB and is one document", constant("internal/config/readkeys.go", "maxKeysFile", "1 << 20")},

	// Exit codes.
	{"README.md", "| 0 | all images are made, or wait for a pick; the plan can run; shown |", all(inBed(simulator.Options{}, allMade), inBed(simulator.Options{}, waitsForAPick))},
	{"README.md", "| 2 | the input is wrong, and nothing was done |", inBed(simulator.Options{}, wrongInput)},
	{"README.md", "| 3 | some jobs failed or were not run; a cap does not cover the plan |", someFailed},
	{"README.md", "| 130 | interrupted |", inBed(simulator.Options{}, interrupted)},
	{"docs/commands.md", "a cap of CU does not cover what is submitted", inBed(simulator.Options{}, capDoesNotCover)},
	{"docs/commands.md", "Where nobody can be asked, on a pipe or with `--json`, they need `--yes` or a `budget` in the manifest, and end with 2", inBed(simulator.Options{}, liveOnAPipe)},

	// What is waited for, and for how long.
	{"README.md", "Every wait has a reason from a closed list and a time; the view shows it", everyReasonSpeaks},
	{"docs/commands.md", "`pause` and `cancel` wait, for up to 15 seconds", constant("internal/view/confirm.go", "confirmLimit", "15 * time.Second")},
	{"docs/commands.md", "Workers find out about a submission, a pause or a cancellation at their next round, within half a minute.", constant("internal/worker/epoch.go", "roundTick", "15 * time.Second")},
	{"docs/operations.md", "Stopping takes `NIGHTSHIFT_DRAIN`, and at most 45 seconds more for what was cut off to be written down", constant("internal/queue/servers.go", "afterDrain", "45 * time.Second")},
	{"deploy/README.md", "65 seconds with the standard `NIGHTSHIFT_DRAIN` of 20.", all(constant("internal/queue/servers.go", "afterDrain", "45 * time.Second"), standardDrain)},
	{"docs/operations.md", "A warning that comes again within 30 seconds", constant("internal/telemetry/repeats.go", "repeatTime", "30 * time.Second")},
	{"docs/operations.md", "stop all workers, wait for 25 seconds", constant("internal/app/serving.go", "watchTime", "25 * time.Second")},
	{"docs/architecture.md", "renewed every 10 seconds while any of them works", constant("internal/app/serving.go", "RenewTick", "10 * time.Second")},
	{"docs/architecture.md", "a key in Redis that it writes every second, counts for five.", all(
		constant("internal/fleet/member.go", "heartbeatTick", "time.Second"), constant("internal/fleet/member.go", "heartbeatKept", "5 * time.Second"))},
	{"docs/architecture.md", "A job that is missing from four complete lists", constant("internal/runner/reconcile.go", "absences", "4")},
	{"docs/architecture.md", "by a counter in Redis that they ask twice a second, and look into the bucket every 15 seconds anyway", all(
		constant("internal/worker/epoch.go", "newsTick", "500 * time.Millisecond"), constant("internal/worker/epoch.go", "roundTick", "15 * time.Second"))},
	{"docs/architecture.md", "The watcher asks every half second while more than 80 percent of the rate is free, every second down to half, then more slowly, up to every sixteen seconds", all(
		constant("internal/runner/watch.go", "shortTick", "500 * time.Millisecond"), constant("internal/runner/watch.go", "plenty", "0.8"),
		constant("internal/runner/watch.go", "middleTick", "time.Second"), constant("internal/runner/watch.go", "longTick", "16 * time.Second"))},
	{"docs/architecture.md", "a collect task that was not woken asks by itself, after 90 seconds or three times the slowest recent run, then every minute while no watcher has polled for two.", all(
		constant("internal/runner/pace.go", "firstPatience", "90 * time.Second"), constant("internal/runner/collect.go", "repark", "time.Minute"),
		constant("internal/runner/collect.go", "watcherAlive", "2 * time.Minute"))},
	{"docs/architecture.md", "the next attempt, of at most 3", constant("internal/runner/collect.go", "maxAttempts", "3")},

	// Sizes.
	{"README.md", "at most 800 jobs of a batch are queued", constant("internal/runner/feed.go", "largestWindow", "800")},
	{"docs/commands.md", "at most 256 MiB of it", constant("internal/manifest/input.go", "mostInput", "256 << 20")},
	{"docs/storage.md", "Buffers of all images together take at most 64 MiB", constant("internal/bucket/budget.go", "DefaultBufferBytes", "64 << 20")},
	{"docs/storage.md", "Only objects above 8 MiB that are no images go in parts.", constant("internal/bucket/s3_put.go", "partBytes", "8 << 20")},
	{"docs/storage.md", "Nightshift takes them back when they are older than a day", constant("internal/bucket/s3_sweep.go", "staleUpload", "24 * time.Hour")},

	// Pictures, steps and picks.
	{"docs/manifest.md", "Each content is uploaded once for each project", inBed(simulator.Options{}, uploadedOnce)},
	{"docs/manifest.md", "Uploads cost no CU.", inBed(simulator.Options{}, uploadsAreFree)},
	{"docs/manifest.md", "a picture counts by its content: the same file under another name or in another folder makes nothing again.", inBed(simulator.Options{}, contentCounts)},
	{"docs/manifest.md", "where one fails, it fails with that reason, and nothing is paid for it.", inBed(simulator.Options{}, needFails)},
	{"docs/manifest.md", "a run in which only that is left ends with code 0 and says how to go on.", inBed(simulator.Options{}, waitsForAPick)},
	{"docs/manifest.md", "A step is made of the **first** image of its row.", inBed(simulator.Options{}, firstImageAlone)},
	{"docs/manifest.md", "makes the same image again, so that its row cannot be rolled again", inBed(simulator.Options{}, seedIsFixed)},
	{"docs/commands.md", "A picked image is not replaced by an edited manifest", inBed(simulator.Options{}, pickedIsKept)},
	{"docs/manifest.md", "64 MiB, 268 million pixels, and what the model's input says", all(
		constant("internal/bucket/image/limits.go", "DefaultMaxBytes", "64 << 20"), constant("internal/bucket/image/limits.go", "DefaultMaxPixels", "1 << 28"))},
	{"docs/architecture.md", "in parts of 8 MiB", constant("internal/provider/scenario/upload.go", "partBytes", "8 << 20")},
	{"docs/architecture.md", "The leader looks into the log twice a second", constant("internal/worker/leaderchain.go", "chainTick", "500 * time.Millisecond")},

	// Speed.
	{"docs/operations.md", "A project's 100 requests a minute make about 90 single-image jobs a minute", inBed(fullRate, jobsOfAMinute)},
	{"docs/architecture.md", "Requests are the scarce thing: 100 a minute for a project.", is(simulator.DefaultRequestsPerMinute, 100)},

	// The budget.
	{"docs/manifest.md", "It is 0.1 where it is not given, 10 at most, and has at most three decimals.", inBed(simulator.Options{}, drifts)},
	{"README.md", "Raise `budget.cu` and run again.", inBed(simulator.Options{}, budgetIsRaised)},
}

// TestStatements finds each sentence in its document and checks that it is true.
func TestStatements(t *testing.T) {
	t.Parallel()
	texts := make(map[string]string)
	for _, s := range statements {
		if texts[s.doc] == "" {
			data, err := os.ReadFile(root + s.doc)
			if err != nil {
				t.Fatal(err)
			}
			texts[s.doc] = strings.Join(strings.Fields(string(data)), " ")
		}
		t.Run(s.quote, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(texts[s.doc], s.quote) {
				t.Errorf("%s does not say: %s", s.doc, s.quote)
			}
			s.check(t)
		})
	}
}

func is[T comparable](got, want T) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		if got != want {
			t.Errorf("it is %v, and the sentence says %v", got, want)
		}
	}
}

func standardDrain(t *testing.T) {
	t.Helper()
	settings, err := config.Load(nil)
	if err != nil || settings.Drain != 20*time.Second {
		t.Errorf("the drain time is %s, %v", settings.Drain, err)
	}
}

func everyReasonSpeaks(t *testing.T) {
	t.Helper()
	for _, reason := range job.WaitReasons {
		if words := wait.Of(reason); words.Says == "" || strings.HasPrefix(words.Says, "waiting: ") {
			t.Errorf("%s has no words of its own: %q", reason, words.Says)
		}
	}
	if unknown := wait.Of("of_a_newer_version"); unknown.Says == "" {
		t.Error("a reason that is not known says nothing")
	}
}

func complaints(b *bed) {
	for _, setting := range []string{
		"NIGHTSHIFT_REQUESTS_PER_MINUTE=many", "NIGHTSHIFT_GRACE=soon", "NIGHTSHIFT_DRAIN=0s", "NIGHTSHIFT_SUBMIT_SLOTS=0", "NIGHTSHIFT_MAX_CU=-1",
		"NIGHTSHIFT_LOG_LEVEL=loud", "SCENARIO_API_URL=ftp://api", "NIGHTSHIFT_LINK_HOSTS=http://a b",
	} {
		name, _, _ := strings.Cut(setting, "=")
		e := b.enqueue([]string{setting}, "plan", b.write("m.yaml", manifest("test", 1)))
		if e.code != 2 || !strings.HasPrefix(strings.TrimPrefix(e.errs, "error: "), name) {
			b.t.Errorf("%s: code %d, %q", setting, e.code, e.errs)
		}
	}
}

func leastRequests(b *bed) {
	file := b.write("m.yaml", manifest("test", 1))
	b.wants(b.enqueue([]string{"NIGHTSHIFT_REQUESTS_PER_MINUTE=9"}, "plan", file), 2, "NIGHTSHIFT_REQUESTS_PER_MINUTE")
	b.wants(b.enqueue([]string{"NIGHTSHIFT_REQUESTS_PER_MINUTE=10"}, "plan", file), 0, "1 job")
}

func testOnLiveAPI(b *bed) {
	file := b.write("m.yaml", manifest("test", 1))
	b.wants(b.enqueue([]string{"SCENARIO_API_URL=" + config.LiveURL}, "run", file), 2, "test")
	b.nothingPaid()
}

func allMade(b *bed) {
	file := b.write("m.yaml", manifest("test", 2))
	b.wants(b.enqueue(nil, "plan", file), 0, "2 jobs to run")
	b.wants(b.enqueue(nil, "run", file), 0, "2 images made")
	b.wants(b.enqueue(nil, "ls"), 0, "test/m")
}

func wrongInput(b *bed) {
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", manifest("test", 1)+"unknwon: 1\n")), 2, "unknwon")
	b.wants(b.enqueue(nil, "run", b.folder+"/none.yaml"), 2, "none.yaml")
	b.wants(b.enqueue(nil, "run", "--no-such-flag", "m.yaml"), 2, "no-such-flag")
	b.wants(b.enqueue(nil, "status", "none"), 2, "none")
	b.nothingPaid()
}

func someFailed(t *testing.T) {
	inBed(simulator.Options{}, func(b *bed) {
		if err := b.sim.SetFaults(simulator.Fault{Kind: simulator.FaultModeration, Next: 1}); err != nil {
			b.t.Fatal(err)
		}
		b.wants(b.enqueue(nil, "run", b.write("m.yaml", manifest("test", 2))), 3, "1 failed")
	})(t)
	inBed(simulator.Options{}, func(b *bed) {
		file := b.write("m.yaml", manifest("test", 2)+"budget: {cu: 11}\n")
		b.wants(b.enqueue(nil, "plan", file), 3, "10.5 CU short")
		b.wants(b.enqueue(nil, "run", file), 3, "1 not run")
	})(t)
}

func capDoesNotCover(b *bed) {
	file := b.write("m.yaml", manifest("test", 2)+"budget: {cu: 11}\n")
	b.wants(b.enqueue([]string{"NIGHTSHIFT_BUCKET=file://" + b.folder + "/bucket"}, "submit", file), 3, "a cap of CU does not cover the plan")
	b.nothingPaid()
}

func interrupted(b *bed) {
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Second)
	defer cancel()
	e := b.enqueueUntil(ctx, nil, "run", b.write("m.yaml", manifest("test", 40)))
	b.wants(e, 130, "")
}

func liveOnAPipe(b *bed) {
	refused := b.enqueue(nil, "run", b.write("m.yaml", manifest("live", 1)))
	b.wants(refused, 2, "--yes")
	b.wants(b.enqueue(nil, "run", "--json", b.write("m.yaml", manifest("live", 1))), 2, "--yes")
	b.nothingPaid()
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", manifest("live", 1)+"budget: {cu: 20}\n")), 0, "1 image made")
}

func budgetIsRaised(b *bed) {
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", manifest("test", 2)+"budget: {cu: 11}\n")), 3, "1 not run")
	b.wants(b.enqueue(nil, "run", b.write("m.yaml", manifest("test", 2)+"budget: {cu: 22}\n")), 0, "1 made, 1 kept from before")
	if paid := b.sim.Totals().Accepted; paid != 2 {
		b.t.Errorf("%d requests for two jobs", paid)
	}
}

func drifts(b *bed) {
	for drift, code := range map[string]int{"0": 0, "0.05": 0, "10": 0, "10.001": 2, "0.0001": 2, "-0.1": 2} {
		file := b.write("m.yaml", manifest("test", 1)+"budget: {cu: 20, drift: "+drift+"}\n")
		b.wants(b.enqueue(nil, "plan", file), code, "")
	}
	constant("internal/manifest/budget.go", "usualDrift", "100")(b.t)
}
