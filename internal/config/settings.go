package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"nightshift/internal/egress"
	"nightshift/internal/job"
)

// The names of the variables that messages refer to.
const (
	KeyVariable    = "SCENARIO_API_KEY"
	SecretVariable = "SCENARIO_API_SECRET"
	URLVariable    = "SCENARIO_API_URL"
	RedisVariable  = "NIGHTSHIFT_REDIS"
	BucketVariable = "NIGHTSHIFT_BUCKET"
	FleetVariable  = "NIGHTSHIFT_FLEET"

	LinkHostsVariable = "NIGHTSHIFT_LINK_HOSTS"
)

// ListenOff in place of an address: metrics and health are not served.
const ListenOff = "off"

// DefaultOutput is the folder of batches where nothing names one.
const DefaultOutput = "out"

// Settings are read from the environment.
type Settings struct {
	Key     Secret `env:"SCENARIO_API_KEY"`
	Secret  Secret `env:"SCENARIO_API_SECRET"`
	URL     string `env:"SCENARIO_API_URL"`
	Project string `env:"SCENARIO_PROJECT_ID"`

	LinkHosts string `env:"NIGHTSHIFT_LINK_HOSTS"`

	KeysFile string `env:"NIGHTSHIFT_KEYS"`
	Redis    Secret `env:"NIGHTSHIFT_REDIS"` // may hold a password

	Output string `env:"NIGHTSHIFT_OUT" envDefault:"out"`
	Bucket string `env:"NIGHTSHIFT_BUCKET"`
	Fleet  string `env:"NIGHTSHIFT_FLEET" envDefault:"default"`

	RequestsPerMinute int    `env:"NIGHTSHIFT_REQUESTS_PER_MINUTE" envDefault:"100"`
	Parallel          int    `env:"NIGHTSHIFT_PARALLEL" envDefault:"0"`
	KeyBudget         string `env:"NIGHTSHIFT_MAX_CU"`

	SubmitSlots  int           `env:"NIGHTSHIFT_SUBMIT_SLOTS" envDefault:"16"`
	CollectSlots int           `env:"NIGHTSHIFT_COLLECT_SLOTS" envDefault:"32"`
	Drain        time.Duration `env:"NIGHTSHIFT_DRAIN" envDefault:"20s"`
	Grace        time.Duration `env:"NIGHTSHIFT_GRACE" envDefault:"2m"`

	Listen string `env:"NIGHTSHIFT_LISTEN" envDefault:"127.0.0.1:9464"`
	Worker string `env:"NIGHTSHIFT_WORKER"`

	LogLevel  string `env:"NIGHTSHIFT_LOG_LEVEL"`
	LogFormat string `env:"NIGHTSHIFT_LOG_FORMAT" envDefault:"text"`
}

// Load reads and checks the settings. environ is as os.Environ gives it. The error
// names every variable that is wrong.
func Load(environ []string) (Settings, error) {
	var s Settings
	if err := env.ParseWithOptions(&s, env.Options{Environment: env.ToMap(environ)}); err != nil {
		return s, readable(err)
	}
	return s, s.Validate()
}

// readable turns the library's report into one line a variable.
func readable(err error) error {
	aggregate, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return err
	}
	var lines []error
	for _, single := range aggregate.Errors {
		if parse, ok := errors.AsType[env.ParseError](single); ok {
			lines = append(lines, fmt.Errorf("%s: %w", variables[parse.Name], parse.Err))
			continue
		}
		lines = append(lines, single)
	}
	return errors.Join(lines...)
}

var fleetName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Validate joins every complaint; each starts with the variable's name.
func (s Settings) Validate() error {
	var wrong []error
	complain := func(name, format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	if s.URL != "" {
		if u, err := url.Parse(s.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			complain(URLVariable, "must be an http or https address such as http://127.0.0.1:8090/v1")
		}
	}
	if _, err := s.Links(); err != nil {
		complain(LinkHostsVariable, "%v", err)
	}
	if !fleetName.MatchString(s.Fleet) {
		complain(FleetVariable, "is %q, must be letters, digits, '-', '_' or '.'", s.Fleet)
	}
	if s.Output == "" {
		complain("NIGHTSHIFT_OUT", "must name a folder")
	}
	for _, number := range []struct {
		name       string
		value, min int
	}{
		{"NIGHTSHIFT_REQUESTS_PER_MINUTE", s.RequestsPerMinute, 10},
		{"NIGHTSHIFT_PARALLEL", s.Parallel, 0},
		{"NIGHTSHIFT_SUBMIT_SLOTS", s.SubmitSlots, 1},
		{"NIGHTSHIFT_COLLECT_SLOTS", s.CollectSlots, 1},
	} {
		if number.value < number.min {
			complain(number.name, "is %d, must be at least %d", number.value, number.min)
		}
	}
	if s.Drain < time.Second {
		complain("NIGHTSHIFT_DRAIN", "is %s, must be at least 1s", s.Drain)
	}
	if s.Grace < time.Second {
		complain("NIGHTSHIFT_GRACE", "is %s, must be at least 1s", s.Grace)
	}
	if _, err := s.KeyCap(); err != nil {
		complain("NIGHTSHIFT_MAX_CU", "%v", err)
	}
	if _, err := s.Level(slog.LevelError); err != nil {
		complain("NIGHTSHIFT_LOG_LEVEL", "must be debug, info, warn or error")
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		complain("NIGHTSHIFT_LOG_FORMAT", "is %q, must be text or json", s.LogFormat)
	}
	if _, _, err := net.SplitHostPort(s.Listen); err != nil && s.Listen != ListenOff {
		complain("NIGHTSHIFT_LISTEN", "is %q, must be an address and a port such as 127.0.0.1:9464", s.Listen)
	}
	return errors.Join(wrong...)
}

// Links are the hosts that images may be fetched from, beside those of the internet and
// the API itself.
func (s Settings) Links() (egress.Rules, error) {
	if strings.TrimSpace(s.LinkHosts) == "" {
		return egress.Rules{}, nil
	}
	return egress.Parse(strings.Split(s.LinkHosts, ","))
}

// KeyCap is the most that the key may spend; nil without a cap.
func (s Settings) KeyCap() (*job.CU, error) {
	if strings.TrimSpace(s.KeyBudget) == "" {
		return nil, nil
	}
	amount, err := job.ParseCU(s.KeyBudget)
	if err != nil {
		return nil, err
	}
	return &amount, nil
}

// Level is the least level of what is logged; usual is that of a program for which
// none is set.
func (s Settings) Level(usual slog.Level) (slog.Level, error) {
	if s.LogLevel == "" {
		return usual, nil
	}
	var level slog.Level
	err := level.UnmarshalText([]byte(s.LogLevel))
	return level, err
}
