package stories

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"nightshift/internal/simulator"
)

var listens = regexp.MustCompile(`http://[0-9.:]+`)

// startSimulator starts a simulator on a free port and points enqueue to it:
// sim -latency 200ms..400ms. Unless told otherwise it has no request limit, and
// enqueue none that a story would notice.
func startSimulator(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, "sim [FLAG...]")
	flags := append([]string{"-addr", "127.0.0.1:0", "-rpm", "-1", "-latency", "200ms..400ms", "-seed", "1"}, args...)
	p := spawn(ts, "simulator", "simulator", flags...)
	started := time.Now()
	for {
		if url := listens.FindString(p.stdout.String()); url != "" {
			ts.Setenv("SIM", url)
			ts.Setenv("SCENARIO_API_URL", url)
			break
		}
		select {
		case <-p.ended:
			ts.Fatalf("simulator: %s", p.stderr)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(started) > deadline {
			ts.Fatalf("simulator does not listen after %s", deadline)
		}
	}
	ts.Setenv("SCENARIO_API_KEY", "sim")
	ts.Setenv("SCENARIO_API_SECRET", "sim")
	ts.Setenv("NIGHTSHIFT_REQUESTS_PER_MINUTE", "60000")
	ts.Setenv("NIGHTSHIFT_GRACE", "1s")
}

// setFaults replaces the faults of the simulator: fault 'drop-after-accept next=2'
func setFaults(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, "fault ['KIND [next=N] [rate=R] [seed=N] [seconds=S] [percent=P] [status=N] [body=KIND] [url=U]'...]")
	faults := make([]simulator.Fault, 0, len(args))
	for _, arg := range args {
		kind, rest, _ := strings.Cut(arg, " ")
		fault := simulator.Fault{Kind: simulator.FaultKind(kind)}
		for field := range strings.FieldsSeq(rest) {
			ts.Check(setField(&fault, field))
		}
		faults = append(faults, fault)
	}
	body, err := json.Marshal(map[string]any{"faults": faults})
	ts.Check(err)
	_, err = call(http.MethodPost, ts.Getenv("SIM")+"/_sim/faults", body)
	ts.Check(err)
}

func setField(fault *simulator.Fault, field string) (err error) {
	name, value, _ := strings.Cut(field, "=")
	switch name {
	case "next":
		fault.Next, err = strconv.Atoi(value)
	case "rate":
		fault.Rate, err = strconv.ParseFloat(value, 64)
	case "seed":
		fault.Seed, err = strconv.ParseUint(value, 10, 64)
	case "seconds":
		fault.Seconds, err = strconv.ParseFloat(value, 64)
	case "status":
		fault.Status, err = strconv.Atoi(value)
	case "body":
		fault.Body = value
	case "percent":
		fault.Percent, err = strconv.Atoi(value)
	case "url":
		fault.URL = value
	default:
		err = fmt.Errorf("a fault has no %q", name)
	}
	return err
}

// revoke makes the API refuse a key: revoke night. restore takes that back.
func revoke(ts *testscript.TestScript, neg bool, args []string) { changeKey(ts, neg, args, "revoke") }

func restore(ts *testscript.TestScript, neg bool, args []string) {
	changeKey(ts, neg, args, "restore")
}

func changeKey(ts *testscript.TestScript, neg bool, args []string, change string) {
	usage(ts, neg || len(args) != 1, change+" KEY")
	body, err := json.Marshal(map[string]string{change: args[0]})
	ts.Check(err)
	_, err = call(http.MethodPost, ts.Getenv("SIM")+"/_sim/keys", body)
	ts.Check(err)
}

// stranger submits a request as another program would that has the same key:
// stranger sim:sim model_bfl-flux-1-dev '{"prompt": "a fox"}'
func stranger(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 3, "stranger KEY:SECRET MODEL INPUTS")
	key, secret, _ := strings.Cut(args[0], ":")
	url := ts.Getenv("SIM") + "/v1/generate/custom/" + args[1]
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(args[2]))
	ts.Check(err)
	request.SetBasicAuth(key, secret)
	_, err = send(request)
	ts.Check(err)
}

// ledger compares what the simulator has accepted and charged: the totals as it
// names them, and
//
//	bought        inferences that were charged and not refunded
//	inputs        different inputs among them
//	twice         inputs that were bought more than once
//	accepted.KEY  inferences of one key, by the name that the simulator knows
//	uploads       files that became assets
//	uploadedtwice those of them that their project had already
//	gap           the most seconds without an inference that was accepted, since the last KILL
func ledger(ts *testscript.TestScript, args []string) error {
	usage(ts, len(args) == 0, "ledger NAME==NUMBER...")
	values, err := readLedger(ts.Getenv("SIM"), ts.Value(processesKey{}).(*processes).killed)
	if err != nil {
		return err
	}
	for _, arg := range args {
		if err := holds(arg, values.get); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	return nil
}

type figures map[string]string

func (f figures) add(name string, value any) {
	parts, ok := value.(map[string]any)
	if !ok {
		f[name] = fmt.Sprint(value)
	}
	for part, value := range parts {
		f.add(name+"."+part, value)
	}
}

func (f figures) get(name string) (string, error) {
	value, known := f[name]
	switch {
	case !known && strings.Contains(name, "."):
		return "0", nil // of a key, team or project that has done nothing
	case !known:
		return "", fmt.Errorf("the ledger has no %s", name)
	}
	return value, nil
}

func readLedger(url string, since time.Time) (figures, error) {
	data, err := call(http.MethodGet, url+"/_sim/ledger", nil)
	if err != nil {
		return nil, err
	}
	var book struct {
		Entries []simulator.Entry
		Uploads []simulator.UploadEntry
		Totals  map[string]any
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&book); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	values := make(figures)
	for name, value := range book.Totals {
		values.add(name, value)
	}
	bought, twice, gap := 0, 0, time.Duration(0)
	slices.SortFunc(book.Entries, func(a, b simulator.Entry) int { return a.Accepted.Compare(b.Accepted) })
	times := make(map[string]int)
	byKey := make(map[string]int)
	for _, entry := range book.Entries {
		if entry.Accepted.After(since) {
			gap, since = max(gap, entry.Accepted.Sub(since)), entry.Accepted
		}
		byKey[entry.Key]++
		if entry.Charge == entry.Refund && entry.Charge != 0 {
			continue
		}
		bought++
		input := entry.Model + " " + string(entry.Input.Canonical())
		if times[input]++; times[input] == 2 {
			twice++
		}
	}
	values["bought"], values["twice"], values["inputs"] = strconv.Itoa(bought), strconv.Itoa(twice), strconv.Itoa(len(times))
	uploads, again := countUploads(book.Uploads)
	values["uploads"], values["uploadedtwice"] = strconv.Itoa(uploads), strconv.Itoa(again)
	values["gap"] = strconv.FormatFloat(gap.Seconds(), 'f', 1, 64)
	for key, accepted := range byKey {
		values["accepted."+key] = strconv.Itoa(accepted)
	}
	return values, nil
}

// countUploads counts the uploads that became assets, and those that their project had
// already, and had not deleted.
func countUploads(entries []simulator.UploadEntry) (uploads, again int) {
	had := make(map[[2]string]bool)
	for _, entry := range entries {
		if entry.AssetID == "" {
			continue
		}
		uploads++
		content := [2]string{entry.Project + " " + string(entry.Mode), entry.SHA256}
		if had[content] {
			again++
		}
		had[content] = had[content] || !entry.Deleted
	}
	return uploads, again
}

func call(method, url string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return send(request)
}

func send(request *http.Request) ([]byte, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	reply, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	data, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", request.Method, request.URL, reply.Status, data)
	}
	return data, err
}
