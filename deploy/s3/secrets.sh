#!/bin/sh
# Draws what the S3 server of docker-compose.yml needs, into the folder that is named:
# credentials for it and for its clients, and a certificate for the name s3.
# What is complete already is kept, so that a restart changes nothing.
set -eu
umask 077
folder=$1

if [ -e "$folder/complete" ]; then
  echo "credentials and certificate are there"
  exit 0
fi

access=$(openssl rand -hex 10)
secret=$(openssl rand -hex 24)

printf 'ROOT_ACCESS_KEY_ID=%s\nROOT_SECRET_ACCESS_KEY=%s\n' "$access" "$secret" >"$folder/s3.env"
printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$access" "$secret" >"$folder/aws-credentials"

# It signs itself and can sign nothing else; clients trust this one alone.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
  -subj /CN=s3 \
  -addext subjectAltName=DNS:s3,DNS:localhost,IP:127.0.0.1 \
  -addext basicConstraints=critical,CA:FALSE \
  -addext extendedKeyUsage=serverAuth \
  -keyout "$folder/s3.key" -out "$folder/s3.crt"

# The server runs as root of its container. Clients run as others and must read
# aws-credentials and the certificate; only their containers have the volume.
chmod 600 "$folder/s3.env" "$folder/s3.key"
chmod 644 "$folder/aws-credentials" "$folder/s3.crt"
touch "$folder/complete"
echo "credentials and certificate drawn"
