package simulator

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"nightshift/internal/job"
)

// The defaults of [Options].
const (
	DefaultParallel          = 10
	DefaultRequestsPerMinute = 100 // Scenario API: the documented limit of a project
	DefaultLinkLifetime      = 24 * time.Hour
	DefaultLongPrompt        = 100
)

// Unlimited switches a limit of [Options] off.
const Unlimited = -1

// Options say how a simulator behaves. The zero value is a working simulator
// that knows the one key "sim" with the secret "sim".
type Options struct {
	// Models holds further model records (*.json, at any depth), each in the
	// shape of GET /models/{id}, wrapped in {"model": …} or bare. A record with
	// the id of a built-in one replaces it.
	Models fs.FS
	// Keys are the API keys that are known; none means one key sim:sim that may
	// do everything.
	Keys []Key
	// Latency is how long inferences take; zero means one to three seconds.
	Latency Latency
	// Parallel is how many jobs of a team may run at once; 0 means
	// DefaultParallel, Unlimited no ceiling.
	Parallel int
	// RequestsPerMinute is the request limit of a project; 0 means
	// DefaultRequestsPerMinute, Unlimited no limit.
	RequestsPerMinute int
	// Seed fixes ids, latencies and seeds that are drawn; 0 draws one.
	Seed uint64
	// Logger hears of accepted jobs (debug) and injected faults (info); nil
	// discards.
	Logger *slog.Logger
	// LinkLifetime is how long a result link opens; 0 means DefaultLinkLifetime.
	LinkLifetime time.Duration
	// PublicURL is the base of result links, "http://127.0.0.1:8090"; empty means
	// the host that the asset was asked from.
	PublicURL string
	// LongPrompt is the number of characters over which job lists show the id of
	// a text asset in place of a prompt; 0 means DefaultLongPrompt, Unlimited never.
	LongPrompt int
	// UsageLag is how long after they happened charges and refunds appear in the
	// usages.
	UsageLag time.Duration
	// ClockSkew is how far the API's clock is ahead of the true time, behind where
	// it is negative. All times that the API tells are by its clock: those of
	// jobs, assets and usages, and the date of each reply. Ledger and links keep
	// the true time.
	ClockSkew time.Duration
}

// Simulator is the API's double. It is safe for concurrent use.
type Simulator struct {
	options Options
	models  *catalogue
	keys    *keyring
	book    *book
	faults  *faultBox
	images  *imageCache
	links   linkSigner
	mux     *http.ServeMux
	log     *slog.Logger

	swapMu   sync.Mutex
	swapping map[string]*swap // by project: a receipt that waits for another to change ids with
}

// New returns a simulator. It fails where a model record, a key or an option does
// not make sense, naming which.
func New(options Options) (*Simulator, error) {
	options, err := options.filled()
	if err != nil {
		return nil, err
	}
	models, err := loadCatalogue(options.Models)
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		options:  options,
		models:   models,
		keys:     newKeyring(options.Keys),
		book:     newBook(options),
		faults:   &faultBox{},
		swapping: make(map[string]*swap),
		images:   newImageCache(imageCacheBytes),
		links:    newLinkSigner(options.Seed),
		mux:      http.NewServeMux(),
		log:      options.Logger,
	}
	s.routes()
	return s, nil
}

// ServeHTTP answers the API, the result links and the controls.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.dated(w)
	s.mux.ServeHTTP(w, r)
}

func (s *Simulator) routes() {
	s.mux.Handle("GET /v1/models", s.api(scopeModels, "", s.listModels))
	s.mux.Handle("GET /v1/models/{id}", s.api(scopeModels, "", s.getModel))
	s.mux.Handle("POST /v1/generate/custom/{id}", s.api(scopeGenerate, "", s.generate))
	s.mux.Handle("GET /v1/jobs", s.api(scopeJobs, FaultListError, s.mayRefuse(FaultRefuseList, s.listJobs)))
	s.mux.Handle("GET /v1/jobs/{id}", s.api(scopeJobs, FaultJobError, s.mayRefuse(FaultRefuseList, s.getJob)))
	s.mux.Handle("POST /v1/jobs/{id}/action", s.api(scopeJobs, "", s.actOnJob))
	s.mux.Handle("GET /v1/assets", s.api(scopeAssets, FaultAssetError, s.mayRefuse(FaultRefuseAssets, s.listAssets)))
	s.mux.Handle("GET /v1/assets/{id}", s.api(scopeAssets, FaultAssetError, s.mayRefuse(FaultRefuseAssets, s.getAsset)))
	s.mux.Handle("POST /v1/assets/get-bulk", s.api(scopeAssets, FaultAssetError, s.mayRefuse(FaultRefuseAssets, s.getAssets)))
	s.mux.Handle("POST /v1/assets", s.api(scopeWriteAssets, FaultUploadError, s.uploadAsset))
	s.mux.Handle("DELETE /v1/assets", s.api(scopeDeleteAssets, "", s.deleteAssets))
	s.mux.Handle("POST /v1/uploads", s.api(scopeWriteAssets, FaultUploadError, s.beginUpload))
	s.mux.Handle("GET /v1/uploads/{id}", s.api(scopeAssets, FaultUploadError, s.getUpload))
	s.mux.Handle("POST /v1/uploads/{id}/action", s.api(scopeWriteAssets, FaultUploadError, s.actOnUpload))
	s.mux.Handle("GET /v1/usages", s.api(scopeUsages, "", s.listUsages))
	s.mux.Handle("GET /v1/inferences", s.api(scopeGenerate, "", gone))
	s.mux.Handle("POST /v1/generate/txt2img", s.api(scopeGenerate, "", s.textToImage))
	s.mux.Handle("POST /v1/models/{id}/inferences", s.api(scopeGenerate, "", s.inferencesOf))
	s.mux.Handle("GET /v1/models/{id}/inferences/{inference}", s.api(scopeGenerate, "", s.inferencesOf))
	s.mux.Handle("/v1/", s.api("", "", noSuchRoute))

	s.mux.HandleFunc("GET "+linkPath+"{id}", s.followLink(filePath))
	s.mux.HandleFunc("GET "+filePath+"{id}", s.download)
	s.mux.HandleFunc("GET "+transformPath+"{id}", s.followLink(smallPath))
	s.mux.HandleFunc("GET "+smallPath+"{id}", s.downloadTransform)
	s.mux.HandleFunc("PUT "+partPath+"{id}/{number}", s.putPart)

	s.mux.Handle("GET /_sim/health", handler(s.health))
	s.mux.Handle("GET /_sim/ledger", handler(s.showLedger))
	s.mux.Handle("GET /_sim/faults", handler(s.showFaults))
	s.mux.Handle("POST /_sim/faults", handler(s.replaceFaults))
	s.mux.Handle("DELETE /_sim/faults", handler(s.clearFaults))
	s.mux.Handle("POST /_sim/keys", handler(s.changeKey))
}

func (o Options) filled() (Options, error) {
	if len(o.Keys) == 0 {
		o.Keys = []Key{{Key: "sim", Secret: "sim"}}
	}
	keys, err := filledKeys(o.Keys)
	if err != nil {
		return o, err
	}
	o.Keys = keys
	if !o.Latency.given {
		o.Latency = Between(time.Second, 3*time.Second)
	}
	for _, limit := range []struct {
		name     string
		value    *int
		standard int
	}{
		{"parallel", &o.Parallel, DefaultParallel},
		{"requests per minute", &o.RequestsPerMinute, DefaultRequestsPerMinute},
		{"long prompt", &o.LongPrompt, DefaultLongPrompt},
	} {
		if *limit.value = cmp.Or(*limit.value, limit.standard); *limit.value < Unlimited {
			return o, fmt.Errorf("%s is %d: give a positive number, 0 for the default %d, or %d for no limit",
				limit.name, *limit.value, limit.standard, Unlimited)
		}
	}
	if o.LinkLifetime < 0 {
		return o, fmt.Errorf("link lifetime %s is negative", o.LinkLifetime)
	}
	if o.UsageLag < 0 {
		return o, fmt.Errorf("usage lag %s is negative", o.UsageLag)
	}
	o.LinkLifetime = cmp.Or(o.LinkLifetime, DefaultLinkLifetime)
	if o.PublicURL != "" {
		base, err := url.Parse(o.PublicURL)
		if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
			return o, fmt.Errorf("public URL %q is not an http or https address", o.PublicURL)
		}
		o.PublicURL = strings.TrimRight(o.PublicURL, "/")
	}
	if o.Seed == 0 {
		o.Seed = drawnSeed()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// drawnSeed is random, so that two runs of the simulator never give two jobs one
// id.
func drawnSeed() uint64 {
	var seed [8]byte
	rand.Read(seed[:]) // never fails, says crypto/rand
	return binary.LittleEndian.Uint64(seed[:])
}

// tenant is whose jobs a key sees: those of its project, and of its own mode.
type tenant struct {
	project string
	mode    job.Mode
}
