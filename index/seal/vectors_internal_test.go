package seal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// SM3: GB/T 32905-2016, annex A.1 and A.2.
func TestSM3Vectors(t *testing.T) {
	for message, want := range map[string]string{
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		h := SM2.NewHash()
		h.Write([]byte(message))
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%.8s: %s", message, got)
		}
	}
}

// SM4: GB/T 32907-2016, annex A.1, and A.2, a million times over itself.
func TestSM4Vectors(t *testing.T) {
	key := unhex(t, "0123456789abcdeffedcba9876543210")
	c, err := newSM4(key)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Clone(key)
	c.Encrypt(block, block)
	if want := unhex(t, "681edf34d206965e86b3e94f536e4246"); !bytes.Equal(block, want) {
		t.Errorf("%x", block)
	}
	for range 999_999 {
		c.Encrypt(block, block)
	}
	if want := unhex(t, "595298c7c6fd271f0402f804c33d3f66"); !bytes.Equal(block, want) {
		t.Errorf("%x", block)
	}
}

// SM4-GCM: RFC 8998, annex A.2.
func TestSM4GCMVector(t *testing.T) {
	a, err := newAEAD(sm4GCM, unhex(t, "0123456789abcdeffedcba9876543210"))
	if err != nil {
		t.Fatal(err)
	}
	plain := unhex(t, strings.Repeat("aa", 8)+strings.Repeat("bb", 8)+strings.Repeat("cc", 8)+strings.Repeat("dd", 8)+strings.Repeat("ee", 8)+strings.Repeat("ff", 8)+strings.Repeat("ee", 8)+strings.Repeat("aa", 8))
	got := a.Seal(nil, unhex(t, "00001234567800000000abcd"), plain, unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2"))
	want := unhex(t, "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"+"83de3541e4c2b58177e065a9bf7b62ec")
	if !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
}

// AES-256-GCM: test case 16 of McGrew and Viega, The Galois/Counter Mode of Operation.
func TestAESGCMVector(t *testing.T) {
	a, err := newAEAD(aesGCM, unhex(t, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
	if err != nil {
		t.Fatal(err)
	}
	got := a.Seal(nil, unhex(t, "cafebabefacedbaddecaf888"),
		unhex(t, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
		unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2"))
	want := unhex(t, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"+"76fc6ece0f4e1768cddf8853bb2d551b")
	if !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
}

// The key of GB/T 32918.5-2017, annex A.2 and C.2 (the same), as SubjectPublicKeyInfo (RFC
// 5480) and PKCS#8 (RFC 5958, 5915).
const (
	smPoint   = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
	smScalar  = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
	smPublic  = "3059301306072a8648ce3d020106082a811ccf5501822d034200" + smPoint
	smPrivate = "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420" + smScalar + "a144034200" + smPoint
)

// SM2 signature: GB/T 32918.5-2017, annex A.2: the identifier is the default one, the
// message "message digest".
func TestSM2SignatureVector(t *testing.T) {
	r := new(big.Int).SetBytes(unhex(t, "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"))
	s := new(big.Int).SetBytes(unhex(t, "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"))
	signature, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	k := smKey{parsePublicSM(unhex(t, smPublic))}
	if good, err := k.verify(t.Context(), []byte("message digest"), signature); err != nil || !good {
		t.Error("the standard's signature is not believed", err)
	}
	if good, err := k.verify(t.Context(), []byte("message digesT"), signature); err != nil || good {
		t.Error("another message is believed", err)
	}
}

// SM2 encryption: GB/T 32918.5-2017, annex C.2: "encryption standard", written in the
// ASN.1 of GB/T 35276 (x, y, C3, C2).
func TestSM2CiphertextVector(t *testing.T) {
	cipher, err := asn1.Marshal(struct {
		X, Y   *big.Int
		C3, C2 []byte
	}{
		new(big.Int).SetBytes(unhex(t, "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73")),
		new(big.Int).SetBytes(unhex(t, "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0")),
		unhex(t, "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"),
		unhex(t, "21886ca989ca9c7d58087307ca93092d651efa"),
	})
	if err != nil {
		t.Fatal(err)
	}
	o := smOpener{"", parsePrivateSM(unhex(t, smPrivate))}
	got, err := o.unwrap(t.Context(), cipher)
	if err != nil || string(got) != "encryption standard" {
		t.Errorf("%q %v", got, err)
	}
}

// Ed25519: RFC 8032, 7.1, test 3.
func TestEd25519Vector(t *testing.T) {
	seed := unhex(t, "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
	s := edSigner{key: ed25519.NewKeyFromSeed(seed)}
	got, err := s.Sign(t.Context(), unhex(t, "af82"))
	want := unhex(t, "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x %v", got, err)
	}
	k := edKey(s.key.Public().(ed25519.PublicKey))
	if good, err := k.verify(t.Context(), unhex(t, "af82"), want); err != nil || !good {
		t.Error("not believed", err)
	}
}
