package catalog

import (
	"bytes"
	"encoding/xml"
	"strconv"

	"gengtu/index/edition"
)

// Service is an address at which a layer is had.
type Service struct {
	Name, Protocol, URL string
}

// Sheet is what the metadata of one layer are made of.
type Sheet struct {
	Record Record
	// Layer is as the manifest of the generation describes it.
	Layer      *edition.Layer
	Generation string
	// Created is when the generation was made, RFC 3339.
	Created string
	// Policy says what the data are for, and what they are no basis of.
	Policy edition.Policy
	// Thumbnail is the address of a picture, or "".
	Thumbnail string
	Services  []Service
}

// codeLists is where ISO 19139 keeps the code lists that it names.
const codeLists = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml#"

// element is one element of XML; kids that are nil are left out.
type element struct {
	name  string
	attrs []string // name, value, name, value …
	text  string
	kids  []*element
}

func el(name string, kids ...*element) *element { return &element{name: name, kids: kids} }

func (e *element) append(b *bytes.Buffer) {
	b.WriteString("<" + e.name)
	for i := 0; i+1 < len(e.attrs); i += 2 {
		b.WriteString(" " + e.attrs[i] + `="`)
		escape(b, e.attrs[i+1])
		b.WriteByte('"')
	}
	b.WriteByte('>')
	escape(b, e.text)
	for _, k := range e.kids {
		if k != nil {
			k.append(b)
		}
	}
	b.WriteString("</" + e.name + ">")
}

func escape(b *bytes.Buffer, text string) {
	// A buffer takes everything.
	_ = xml.EscapeText(b, []byte(text))
}

// text is a property with a text, or nil where there is none.
func text(property, value string) *element {
	if value == "" {
		return nil
	}
	return el(property, &element{name: "gco:CharacterString", text: value})
}

// needed is text, which says that it is missing where there is none.
func needed(property, value string) *element {
	if value == "" {
		return &element{name: property, attrs: []string{"gco:nilReason", "missing"}}
	}
	return text(property, value)
}

// code is a property with a value of a code list.
func code(property, list, value string) *element {
	return el(property, &element{name: "gmd:" + list, attrs: []string{"codeList", codeLists + list, "codeListValue", value}, text: value})
}

func decimal(property string, v float64) *element {
	return el(property, &element{name: "gco:Decimal", text: strconv.FormatFloat(v, 'f', -1, 64)})
}

// ISO returns the metadata of ISO 19115:2003 as ISO/TS 19139:2007 writes them, in
// UTF-8. Coordinates are CGCS2000 (EPSG:4490), longitudes and latitudes named.
func (s *Sheet) ISO() []byte {
	l, r := s.Layer, s.Record
	title := l.Title.Zh
	if title == "" {
		title = l.Name
	}
	created, _, _ := bytes.Cut([]byte(s.Created), []byte("T"))
	date := &element{name: "gco:Date", text: string(created)}
	root := el("gmd:MD_Metadata",
		text("gmd:fileIdentifier", r.Namespace+":"+string(r.Net)+":"+l.Key()),
		code("gmd:language", "LanguageCode", "zho"),
		code("gmd:characterSet", "MD_CharacterSetCode", "utf8"),
		code("gmd:hierarchyLevel", "MD_ScopeCode", "dataset"),
		el("gmd:contact", r.party("pointOfContact")),
		el("gmd:dateStamp", date),
		text("gmd:metadataStandardName", "ISO 19115:2003"),
		text("gmd:metadataStandardVersion", "ISO/TS 19139:2007"),
		el("gmd:referenceSystemInfo", el("gmd:MD_ReferenceSystem", el("gmd:referenceSystemIdentifier",
			el("gmd:RS_Identifier", text("gmd:code", "4490"), text("gmd:codeSpace", "EPSG"))))),
		el("gmd:identificationInfo", s.identification(title, date)),
		el("gmd:distributionInfo", el("gmd:MD_Distribution", s.transfer())),
		el("gmd:dataQualityInfo", el("gmd:DQ_DataQuality",
			el("gmd:scope", el("gmd:DQ_Scope", code("gmd:level", "MD_ScopeCode", "dataset"))),
			el("gmd:lineage", el("gmd:LI_Lineage", needed("gmd:statement", r.Source))))),
	)
	root.attrs = []string{
		"xmlns:gmd", "http://www.isotc211.org/2005/gmd", "xmlns:gco", "http://www.isotc211.org/2005/gco",
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	root.append(&b)
	b.WriteByte('\n')
	return b.Bytes()
}

// party is who answers for the data, in a role.
func (r *Record) party(role string) *element {
	who := r.Contact.Organisation
	if who == "" {
		who = r.Department
	}
	var contact *element
	if c := r.Contact; c.Phone != "" || c.Email != "" || c.Address != "" {
		var phone, address *element
		if c.Phone != "" {
			phone = el("gmd:phone", el("gmd:CI_Telephone", text("gmd:voice", c.Phone)))
		}
		if c.Email != "" || c.Address != "" {
			address = el("gmd:address", el("gmd:CI_Address", text("gmd:deliveryPoint", c.Address), text("gmd:electronicMailAddress", c.Email)))
		}
		contact = el("gmd:contactInfo", el("gmd:CI_Contact", phone, address))
	}
	return el("gmd:CI_ResponsibleParty", needed("gmd:organisationName", who), contact, code("gmd:role", "CI_RoleCode", role))
}

func (s *Sheet) identification(title string, date *element) *element {
	l, r := s.Layer, s.Record
	id := el("gmd:MD_DataIdentification",
		el("gmd:citation", el("gmd:CI_Citation",
			text("gmd:title", title+" "+l.Vintage), text("gmd:alternateTitle", l.Title.En),
			el("gmd:date", el("gmd:CI_Date", el("gmd:date", date), code("gmd:dateType", "CI_DateTypeCode", "creation"))),
			text("gmd:edition", l.Vintage),
			el("gmd:identifier", el("gmd:MD_Identifier", text("gmd:code", s.Generation))))),
		text("gmd:abstract", s.abstract(title)),
		text("gmd:purpose", s.Policy.Use.Zh),
		el("gmd:pointOfContact", r.party("owner")),
		el("gmd:resourceMaintenance", el("gmd:MD_MaintenanceInformation", code("gmd:maintenanceAndUpdateFrequency", "MD_MaintenanceFrequencyCode", r.Update))),
	)
	if s.Thumbnail != "" {
		id.kids = append(id.kids, el("gmd:graphicOverview", el("gmd:MD_BrowseGraphic", text("gmd:fileName", s.Thumbnail), text("gmd:fileType", "image/png"))))
	}
	id.kids = append(id.kids,
		el("gmd:descriptiveKeywords", r.keywords()),
		el("gmd:resourceConstraints", el("gmd:MD_LegalConstraints",
			text("gmd:useLimitation", r.Use), text("gmd:useLimitation", s.Policy.Disclaimer.Zh),
			code("gmd:useConstraints", "MD_RestrictionCode", "otherRestrictions"),
			needed("gmd:otherConstraints", s.Policy.Approval))),
		code("gmd:spatialRepresentationType", "MD_SpatialRepresentationTypeCode", "vector"),
		resolution(&s.Policy),
		code("gmd:language", "LanguageCode", "zho"),
		el("gmd:topicCategory", &element{name: "gmd:MD_TopicCategoryCode", text: r.Topic}),
	)
	if e := l.Extent; e != nil {
		id.kids = append(id.kids, el("gmd:extent", el("gmd:EX_Extent", el("gmd:geographicElement", el("gmd:EX_GeographicBoundingBox",
			decimal("gmd:westBoundLongitude", e[0]), decimal("gmd:eastBoundLongitude", e[2]),
			decimal("gmd:southBoundLatitude", e[1]), decimal("gmd:northBoundLatitude", e[3]))))))
	}
	return id
}

// keywords are the classes, each once, the tier and the grade.
func (r *Record) keywords() *element {
	words := el("gmd:MD_Keywords", text("gmd:keyword", r.Group), text("gmd:keyword", r.Theme))
	if r.Class != r.Theme {
		words.kids = append(words.kids, text("gmd:keyword", r.Class))
	}
	words.kids = append(words.kids, text("gmd:keyword", "net:"+string(r.Net)), text("gmd:keyword", r.gradeWord()), code("gmd:type", "MD_KeywordTypeCode", "theme"))
	return words
}

// resolution is the grid of positions in metres, nil where they are as delivered.
func resolution(p *edition.Policy) *element {
	m := max(p.GridM, p.PrecisionM)
	if m <= 0 {
		return nil
	}
	distance := &element{name: "gco:Distance", attrs: []string{"uom", "m"}, text: strconv.FormatFloat(m, 'f', -1, 64)}
	return el("gmd:spatialResolution", el("gmd:MD_Resolution", el("gmd:distance", distance)))
}

// gradeWord is the grade as a keyword; one that nobody confirmed says so.
func (r *Record) gradeWord() string {
	w := "grade:" + string(r.Grade)
	if !r.Confirmed {
		w += " (unconfirmed 待确认)"
	}
	return w
}

// abstract holds no areas: how far those are rounded is the policy's business.
func (s *Sheet) abstract(title string) string {
	return title + "，时相 " + s.Layer.Vintage + "，" + strconv.Itoa(s.Layer.Features) + " 个要素"
}

// transfer lists the services.
func (s *Sheet) transfer() *element {
	options := el("gmd:MD_DigitalTransferOptions")
	for _, v := range s.Services {
		options.kids = append(options.kids, el("gmd:onLine", el("gmd:CI_OnlineResource",
			el("gmd:linkage", &element{name: "gmd:URL", text: v.URL}), text("gmd:protocol", v.Protocol), text("gmd:name", v.Name))))
	}
	return el("gmd:transferOptions", options)
}
