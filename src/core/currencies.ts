/**
 * Active currencies of ISO 4217, list one, as of 2026: without fund codes, metals, bond units, units of account, the
 * test code and "no currency", in which nobody pays. Kept here because `Intl` answers differently in
 * every browser.
 *
 * An initial in lower case stands before the other two letters of all codes that start with it: a third of the bytes
 * of a plain list are saved, and every page loads them.
 *
 * Source: https://www.six-group.com/en/products-services/financial-information/data-standards.html
 */
export const CURRENCIES =
  'aEDFNLLMDOARSUDWGZNbAMBDDTHDIFMDNDOBRLSDTNWPYNZDcADDFHFLPNYOPRCUPVEZKdJFKKOPZDeGPRNTBURfJDKPgBPELHSIPMDNFTQYDhKDNLTGUFiDRLSNRQDRRSKjMDODPYkESGSHRMFPWRWWDYDZTlAKBPKRRDSLYDmADDLGAKDMKNTOPRUURVRWKXNYRZNnADGNIOOKPRZDoMRpABENGKHPKRLNYGqARrONSDUBWFsARBDCRDGEKGDHPLEOSRDSPTNVCYPZLtHBJSMTNDOPRYTDWDZSuAHGXSDYUZSvEDESNDUVwSTxAFCDCGOFPFyERzARMWWG'

/** True for an active code, in upper case. */
export const isCurrency = (code: string): boolean =>
  /^[A-Z]{3}$/.test(code) && new RegExp(`${code[0]!.toLowerCase()}([A-Z]{2})*${code.slice(1)}`).test(CURRENCIES)
