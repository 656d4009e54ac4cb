// Package deploy_test holds what is deployed beside the program against the program:
// alert rules and dashboard against the metrics that a worker tells.
package deploy_test
