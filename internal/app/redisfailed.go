package app

import (
	"errors"
	"io"
	"net"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
)

// RedisFailed reports whether an error says that Redis is away, begins, or is in
// another epoch.
func RedisFailed(err error) bool {
	_, unreached := errors.AsType[net.Error](err)
	return unreached || redis.IsLoadingError(err) || errors.Is(err, admission.ErrLost) || errors.Is(err, io.EOF)
}
