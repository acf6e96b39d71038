package upload

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		uploadUntilKilled(dir, os.Getenv(killedEndpoint))
	}
	goleak.VerifyTestMain(m)
}
