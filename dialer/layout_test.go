package dialer_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the module's root as seen from here.
const module = ".."

// goPackage is what these tests need of `go list -json`.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// list asks the go command for packages of this module.
func list(t *testing.T, arguments ...string) []goPackage {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,TestImports,XTestImports"}, arguments...)...)
	command.Dir = module
	command.Stderr = t.Output()
	printed, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(printed))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) && len(packages) > 0 {
			return packages
		} else if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		packages = append(packages, p)
	}
}

// under tells whether path is one of the trees or lies in one of them.
func under(path string, trees ...string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool {
		return path == tree || strings.HasPrefix(path, tree+"/")
	})
}

// Who may import whom: three ground-floor rooms that know nothing of each other,
// the call floor above them, the front door above that; and the files that
// operations copy, with how one is read. Tests keep to it too.
func TestRoomsImportOnlyWhatLiesBelowThem(t *testing.T) {
	t.Parallel()
	below := map[string][]string{
		"sip":     {"sip"},
		"media":   {"media"},
		"pacing":  {"pacing", "configs/document", "configs/duration"},
		"configs": {"configs"},
		"dialer":  {"dialer", "configs", "sip", "media", "pacing"},
		"cmd":     {"cmd", "configs", "dialer", "sip", "media", "pacing"},
	}
	for _, p := range list(t, "./...") {
		path := strings.TrimPrefix(p.ImportPath, "ringpace/")
		room, _, _ := strings.Cut(path, "/")
		allowed, known := below[room]
		if !known {
			t.Errorf("package %s is in none of the rooms", path)
		}
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			own, ours := strings.CutPrefix(imported, "ringpace/")
			if ours && !under(own, allowed...) {
				t.Errorf("%s imports %s, which does not lie below %s", path, own, room)
			}
		}
	}
}

// The libraries that stand for a protocol or a store each have one place that
// speaks it, so that all the rest can do without.
func TestLibrariesHaveOneOwner(t *testing.T) {
	t.Parallel()
	owners := []struct {
		library string
		product []string // who may import it
		tests   []string // whose tests may import it as well
	}{
		{"github.com/emiago/sipgo", []string{"sip"}, nil},
		{"github.com/pion", []string{"media"}, nil},
		{"github.com/redis/go-redis", []string{"dialer/store", "pacing/ledger"}, []string{"dialer", "cmd"}}, // to look into a test's Redis
		{"github.com/alicebob/miniredis", []string{"dialer/store"}, []string{"pacing/ledger"}},
		{"github.com/spf13/pflag", []string{"cmd"}, nil},
		{"gonum.org", []string{"pacing/sim"}, nil},
		{"github.com/minio/minio-go", []string{"media/record/upload"}, nil},
	}
	for _, p := range list(t, "./...") {
		path := strings.TrimPrefix(p.ImportPath, "ringpace/")
		for _, owner := range owners {
			imports := func(imported string) bool { return under(imported, owner.library) }
			if slices.ContainsFunc(p.Imports, imports) && !under(path, owner.product...) {
				t.Errorf("%s imports %s, which only %v may", path, owner.library, owner.product)
			}
			tests := slices.Concat(owner.product, owner.tests)
			if slices.ContainsFunc(slices.Concat(p.TestImports, p.XTestImports), imports) && !under(path, tests...) {
				t.Errorf("the tests of %s import %s, which only those of %v may", path, owner.library, tests)
			}
		}
	}
}

// What drives tests stays out of the program that is shipped.
func TestProductIsFreeOfTestHarness(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "-deps", "./cmd/...") {
		if under(p.ImportPath, "testing", "ringpace/dialer/lab/peers", "ringpace/dialer/lab/tone", "go.uber.org/goleak") {
			t.Errorf("the program contains %s", p.ImportPath)
		}
	}
}

func TestTopLevelHoldsTheRoomsAndNothingElse(t *testing.T) {
	t.Parallel()
	expected := []string{
		"cmd", "dialer", "sip", "media", "pacing", "configs",
		"go.mod", "go.sum", "Makefile", "Dockerfile", "README.md",
		".ci", ".gitignore", ".dockerignore", "staticcheck.conf",
	}
	ignored := []string{".git", "bin", "ringpace", "tmp"} // the version control's, and what .gitignore names
	entries, err := os.ReadDir(module)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !slices.Contains(slices.Concat(expected, ignored), entry.Name()) {
			t.Errorf("%s does not belong at the top level", entry.Name())
		}
	}
}

// A name says what is inside. These names say that nobody knew.
//
// Reading the directories here also tells the go command when the results of the
// tests above, which rest on `go list`, are out of date.
func TestNamesSayWhatIsInside(t *testing.T) {
	t.Parallel()
	nondescript := []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "base", "manager"}
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != module && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		name := strings.TrimSuffix(strings.TrimSuffix(entry.Name(), ".go"), "_test")
		if slices.Contains(nondescript, name) && (entry.IsDir() || strings.HasSuffix(entry.Name(), ".go")) {
			t.Errorf("%s has a name that says nothing", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
