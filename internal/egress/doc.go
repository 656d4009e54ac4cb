// Package egress says which hosts may be connected to where somebody else names them, as
// a provider does in the links of its images: none within this machine or its network,
// unless a person has named it. What counts is the address that a name resolves to, looked
// at when the connection is made, so that no second answer of a name server matters.
package egress
