package config

import "testing"

func TestMinimalExampleIsComplete(t *testing.T) {
	c, _, err := Load("../../configs/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	k, a := c.Campaigns[0], c.Agents[0]
	if k.CallerID != "+442079460000" || k.Region != "GB" || len(k.Trunks) != 1 || a.Peer != "pbx" || a.Campaigns[0] != k.Name {
		t.Errorf("not filled in: %+v %+v", k, a)
	}
}
