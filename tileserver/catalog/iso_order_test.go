package catalog_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"gengtu/index/edition"
	"gengtu/tileserver/catalog"
)

// sequences are the members of types in the order in which the schemas of ISO/TS
// 19139:2007 (gmd 20070417: metadataEntity.xsd, identification.xsd, citation.xsd,
// distribution.xsd, dataQuality.xsd, constraints.xsd, extent.xsd, maintenance.xsd,
// referenceSystem.xsd) want them. Those with ! must be there, those with + may stand
// more than once.
var sequences = map[string]string{
	"MD_Metadata": "fileIdentifier language characterSet parentIdentifier hierarchyLevel+ hierarchyLevelName+ contact!+ dateStamp! metadataStandardName " +
		"metadataStandardVersion dataSetURI locale+ spatialRepresentationInfo+ referenceSystemInfo+ metadataExtensionInfo+ identificationInfo!+ contentInfo+ " +
		"distributionInfo dataQualityInfo+ portrayalCatalogueInfo+ metadataConstraints+ applicationSchemaInfo+ metadataMaintenance",
	"MD_DataIdentification": "citation! abstract! purpose credit+ status+ pointOfContact+ resourceMaintenance+ graphicOverview+ resourceFormat+ " +
		"descriptiveKeywords+ resourceSpecificUsage+ resourceConstraints+ aggregationInfo+ spatialRepresentationType+ spatialResolution+ language!+ " +
		"characterSet+ topicCategory+ environmentDescription extent+ supplementalInformation",
	"CI_Citation":               "title! alternateTitle+ date!+ edition editionDate identifier+ citedResponsibleParty+ presentationForm+ series otherCitationDetails collectiveTitle ISBN ISSN",
	"CI_Date":                   "date! dateType!",
	"CI_ResponsibleParty":       "individualName organisationName positionName contactInfo role!",
	"CI_Contact":                "phone address onlineResource hoursOfService contactInstructions",
	"CI_Telephone":              "voice+ facsimile+",
	"CI_Address":                "deliveryPoint+ city administrativeArea postalCode country electronicMailAddress+",
	"CI_OnlineResource":         "linkage! protocol applicationProfile name description function",
	"MD_Identifier":             "authority code!",
	"RS_Identifier":             "authority code! codeSpace version",
	"MD_ReferenceSystem":        "referenceSystemIdentifier",
	"MD_MaintenanceInformation": "maintenanceAndUpdateFrequency! dateOfNextUpdate userDefinedMaintenanceFrequency updateScope+ updateScopeDescription+ maintenanceNote+ contact+",
	"MD_BrowseGraphic":          "fileName! fileDescription fileType",
	"MD_Keywords":               "keyword!+ type thesaurusName",
	"MD_LegalConstraints":       "useLimitation+ accessConstraints+ useConstraints+ otherConstraints+",
	"MD_Resolution":             "distance!",
	"EX_Extent":                 "description geographicElement+ temporalElement+ verticalElement+",
	"EX_GeographicBoundingBox":  "extentTypeCode westBoundLongitude! eastBoundLongitude! southBoundLatitude! northBoundLatitude!",
	"MD_Distribution":           "distributionFormat+ distributor+ transferOptions+",
	"MD_DigitalTransferOptions": "unitsOfDistribution transferSize onLine+ offLine",
	"DQ_DataQuality":            "scope! report+ lineage",
	"DQ_Scope":                  "level! extent levelDescription+",
	"LI_Lineage":                "statement processStep+ source+",
}

// node is an element as it was read.
type node struct {
	XMLName xml.Name
	Nil     string `xml:"http://www.isotc211.org/2005/gco nilReason,attr"`
	Text    string `xml:",chardata"`
	Kids    []node `xml:",any"`
}

// inOrder tells what the schemas would not have of metadata.
func inOrder(data []byte) error {
	var root node
	d := xml.NewDecoder(strings.NewReader(string(data)))
	if err := d.Decode(&root); err != nil {
		return err
	}
	if _, err := d.Token(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if root.XMLName.Local != "MD_Metadata" {
		return fmt.Errorf("the root is %s", root.XMLName.Local)
	}
	return root.object()
}

// object judges an element that is a value of a type: its kids are properties.
func (n *node) object() error {
	name := n.XMLName.Local
	simple := n.XMLName.Space == "http://www.isotc211.org/2005/gco" || strings.HasSuffix(name, "Code") || name == "URL"
	if simple {
		if len(n.Kids) > 0 || n.Text == "" {
			return fmt.Errorf("%s holds %d elements, text %q", name, len(n.Kids), n.Text)
		}
		return nil
	}
	sequence := strings.Fields(sequences[name])
	if len(sequence) == 0 {
		return fmt.Errorf("%s is no known type", name)
	}
	at := 0
	for i := range n.Kids {
		kid := &n.Kids[i]
		for at < len(sequence) && strings.TrimRight(sequence[at], "!+") != kid.XMLName.Local {
			if needed := strings.Contains(sequence[at], "!") && !n.has(sequence[at]); needed {
				return fmt.Errorf("%s has no %s", name, sequence[at])
			}
			at++
		}
		if at == len(sequence) {
			return fmt.Errorf("%s: %s is out of its place", name, kid.XMLName.Local)
		}
		if i > 0 && n.Kids[i-1].XMLName == kid.XMLName && !strings.HasSuffix(sequence[at], "+") {
			return fmt.Errorf("%s has several %s", name, kid.XMLName.Local)
		}
		if err := kid.property(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, s := range sequence {
		if strings.Contains(s, "!") && !n.has(s) {
			return fmt.Errorf("%s has no %s", name, s)
		}
	}
	return nil
}

// has tells whether a member of a sequence is there.
func (n *node) has(member string) bool {
	return slices.ContainsFunc(n.Kids, func(k node) bool { return k.XMLName.Local == strings.TrimRight(member, "!+") })
}

// property judges an element that holds one value, or says why it has none.
func (n *node) property() error {
	if n.Nil != "" && len(n.Kids) == 0 {
		return nil
	}
	if len(n.Kids) != 1 {
		return fmt.Errorf("%s holds %d values", n.XMLName.Local, len(n.Kids))
	}
	return n.Kids[0].object()
}

// Metadata follow the schemas' sequences, with all that can be said and with nothing,
// whatever characters it is said in; what does not is found.
func TestISOInOrder(t *testing.T) {
	full, err := catalog.Parse("x", []byte(strings.Replace(edited, `phone: "1"`, `phone: "\u0001 ]]> 𠀀", email: a@b, address: <!-- 县 -->`, 1)), has)
	if err != nil {
		t.Fatal(err)
	}
	empty := &catalog.Sheet{Generation: "g", Record: catalog.Record{Net: edition.Public, Grade: catalog.General, Update: "unknown", Topic: "farming"}, Layer: &edition.Layer{Name: "x"}, Created: "2026-02-28"}
	data := sheet(full.Of(edition.Government, "cropland")).ISO()
	for _, d := range [][]byte{data, empty.ISO()} {
		if err := inOrder(d); err != nil {
			t.Errorf("%v in %s", err, d)
		}
	}
	for _, c := range [][2]string{
		{"gmd:abstract>", "gmd:purposes>"},
		{"<gmd:purpose><gco:CharacterString>内部使用</gco:CharacterString></gmd:purpose>", ""}, // optional
		{"<gmd:dateStamp><gco:Date>2026-02-28</gco:Date></gmd:dateStamp>", ""},
		{"<gmd:fileIdentifier>", "<gmd:dataSetURI><gco:CharacterString>a</gco:CharacterString></gmd:dataSetURI><gmd:fileIdentifier>"},
		{"<gco:Decimal>108.7</gco:Decimal>", ""},
		{"<gmd:linkage>", "<gmd:name><gco:CharacterString>a</gco:CharacterString></gmd:name><gmd:linkage>"},
		{"<gmd:metadataStandardName>", "<gmd:metadataStandardName><gco:CharacterString>a</gco:CharacterString></gmd:metadataStandardName><gmd:metadataStandardName>"},
	} {
		if !strings.Contains(string(data), c[0]) {
			t.Fatalf("%s is not there", c[0])
		}
		err := inOrder([]byte(strings.ReplaceAll(string(data), c[0], c[1])))
		if optional := strings.Contains(c[0], "purpose><gco"); (err == nil) != optional {
			t.Errorf("%s as %s: %v", c[0], c[1], err)
		}
	}
}
