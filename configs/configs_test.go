package configs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// A dashboard or an alert on a metric that does not exist is worse than none.
func TestOnlyMetricsThatExistAreAskedFor(t *testing.T) {
	metric := regexp.MustCompile(`ringpace_[a-z0-9_]+`)
	source, err := os.ReadFile("../dialer/api/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	exist := make(map[string]bool)
	for _, name := range metric.FindAllString(string(source), -1) {
		exist[name] = true
	}
	if len(exist) < 20 {
		t.Fatalf("only %d metrics were found in the API's source", len(exist))
	}
	for _, file := range []string{"prometheus/alerts.yml", "grafana/ringpace.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range metric.FindAllString(string(text), -1) {
			if !exist[name] && !exist[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("%s asks for %s, which does not exist", file, name)
			}
		}
	}
}

func TestFilesAreWellFormed(t *testing.T) {
	files, err := filepath.Glob("*/*")
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range append(files, top...) {
		var decode func([]byte, any) error
		switch filepath.Ext(file) {
		case ".json":
			decode = json.Unmarshal
		case ".yml", ".yaml":
			decode = func(b []byte, v any) error { return yaml.Unmarshal(b, v) }
		default:
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content map[string]any
		if err := decode(text, &content); err != nil || len(content) == 0 {
			t.Errorf("%s: %v", file, err)
		}
		seen++
	}
	if seen < 6 {
		t.Errorf("only %d files were looked at", seen)
	}
}

// Nobody is called by an example that was copied: numbers are those that are kept
// for fiction, addresses and names those that are kept for documentation.
func TestExamplesReachNobody(t *testing.T) {
	number := regexp.MustCompile(`\+\d{8,15}|"44\d{9,}"`)
	fiction := regexp.MustCompile(`^"?\+?(442079460\d{3}|120255501\d\d)"?$`)
	address := regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	documentation := regexp.MustCompile(`^(192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|127\.0\.0\.1$)`)
	for _, file := range []string{"ringpace.yaml", "minimal.yaml", "prometheus/prometheus.yml", "compose.yaml", "redis/redis.conf"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range number.FindAllString(string(text), -1) {
			if !fiction.MatchString(n) {
				t.Errorf("%s: %s may be somebody's number", file, n)
			}
		}
		for _, a := range address.FindAllString(string(text), -1) {
			if !documentation.MatchString(a) {
				t.Errorf("%s: %s may be somebody's address", file, a)
			}
		}
	}
}
