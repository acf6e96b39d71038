package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConsentOfCampaigns holds that campaigns have the prompt of recordings unless they
// have their own, and that both are found from the file's directory.
func TestConsentOfCampaigns(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"all.wav", "own.wav"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for in, want := range map[string]string{
		base: PromptOff,
		base + "recording: {consent: {prompt: default}}\n":                                                                         PromptDefault,
		base + "recording: {consent: {prompt: all.wav}}\n":                                                                         filepath.Join(dir, "all.wav"),
		strings.Replace(base, "name: welcome", "name: welcome, consent: own.wav", 1) + "recording: {consent: {prompt: all.wav}}\n": filepath.Join(dir, "own.wav"),
		strings.Replace(base, "name: welcome", "name: welcome, consent: off", 1) + "recording: {consent: {prompt: all.wav}}\n":     PromptOff,
	} {
		c, _, err := Parse(filepath.Join(dir, "test.yaml"), []byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Campaigns[0].Consent; got != want {
			t.Errorf("%q, want %q of\n%s", got, want, in)
		}
	}
}

// TestLanguageOfCampaigns holds that a campaign speaks that of all unless it has its own.
func TestLanguageOfCampaigns(t *testing.T) {
	for in, want := range map[string]string{
		base:                               English,
		base + "prompts: {language: zh}\n": Chinese,
		strings.Replace(base, "name: welcome", "name: welcome, language: en", 1) + "prompts: {language: zh}\n": English,
	} {
		if got := load(t, in).Campaigns[0].Language; got != want {
			t.Errorf("%q, want %q of\n%s", got, want, in)
		}
	}
	_, _, err := Parse("test.yaml", []byte(base+"prompts: {language: fr}\n"))
	if err == nil || !strings.Contains(err.Error(), `prompts.language: "fr" is not known; known are en, zh`) {
		t.Errorf("French: %v", err)
	}
}
