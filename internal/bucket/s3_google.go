package bucket

import (
	"context"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// isGoogle reports whether the server is Google's, which changes the header
// Accept-Encoding on its way and then finds that the signature does not fit.
func isGoogle(endpoint *string) bool {
	return endpoint != nil && strings.Contains(*endpoint, "storage.googleapis.com")
}

// signLess keeps what such a server changes or does not know out of the signature.
func signLess(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("SignLess", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if request, ok := in.Request.(*smithyhttp.Request); ok {
			request.Header.Del("Accept-Encoding")
			query := request.URL.Query()
			query.Del("x-id")
			request.URL.RawQuery = query.Encode()
		}
		return next.HandleFinalize(ctx, in)
	}), "Signing", middleware.Before)
}
