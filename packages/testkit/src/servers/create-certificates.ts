import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Files in PEM form. */
export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority that nobody else believes, and a certificate of it for servers and clients at 127.0.0.1, by openssl. */
export function createCertificates(folder: string): Certificates {
  const path = (name: string) => join(folder, name);
  const create = (name: string, ...args: string[]) => {
    const form = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1'.split(' ');
    const files = ['-keyout', path(`${name}-key.pem`), '-out', path(`${name}.pem`), '-subj', `/CN=${name}`];
    execFileSync('openssl', [...form, ...files, ...args], { stdio: 'pipe' });
  };
  create('authority');
  const signed = ['-CA', path('authority.pem'), '-CAkey', path('authority-key.pem')];
  create('member', ...signed, '-addext', 'subjectAltName=IP:127.0.0.1');
  return { caFile: path('authority.pem'), certFile: path('member.pem'), keyFile: path('member-key.pem') };
}
