# The way of a live stream: ffmpeg -> RTMP -> nginx-rtmp, the origin -> the backhaul -> a caching nginx, the edge. Sourced
# by up.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the ports are up.sh's

RTMP_MODULE=/usr/lib/nginx/modules/ngx_rtmp_module.so

start_media() {
  mkdir -p "$LAB/media/hls" "$LAB/media/cache" "$LAB/media/origin" "$LAB/media/edge"
  origin_conf >"$LAB/media/origin.conf"
  edge_conf >"$LAB/media/edge.conf"
  start origin nginx -e "$LAB/origin.log" -c "$LAB/media/origin.conf"
  wait_for origin 'its port' says "http://127.0.0.1:$origin_port/stat" '<rtmp>'
  start backhaul "$PYTHON" "$here/forwarder.py" "$backhaul_port" "$origin_port" "$LAB/"
  start edge nginx -e "$LAB/edge.log" -c "$LAB/media/edge.conf"
  start_encoder
}

# nginx_common NAME: what both servers need so as to run as whoever called, and to write nowhere but under $LAB.
nginx_common() {
  cat <<CONF
daemon off;
worker_processes 1;
pid "$LAB/media/$1/nginx.pid";
error_log "$LAB/$1.log" warn;
$([ "$(id -u)" -ne 0 ] || echo 'user root;')
events { worker_connections 256; }
CONF
}

http_common() {
  cat <<CONF
  include /etc/nginx/mime.types;
  access_log off;
  client_body_temp_path "$LAB/media/$1/body"; proxy_temp_path "$LAB/media/$1/proxy"; fastcgi_temp_path "$LAB/media/$1/fastcgi";
  uwsgi_temp_path "$LAB/media/$1/uwsgi"; scgi_temp_path "$LAB/media/$1/scgi";
CONF
}

# 24 s of window: after a stop ffmpeg hurries to catch up, and what it hurried through must still be in the playlist.
# Nothing drops a publisher who is silent (drop_idle_publisher is off by default): a stopped encoder may go on.
# X-Accel-Expires with @ is the very second in which the playlist is told: nginx counts the validity of a copy in whole
# seconds, so one of `1s` would live for up to two, which is T, and a cache may hold a live playlist for T/2.
origin_conf() {
  cat <<CONF
load_module $RTMP_MODULE;
$(nginx_common origin)
rtmp {
  server {
    listen 127.0.0.1:$rtmp_port;
    chunk_size 4096;
    application live {
      live on;
      allow publish 127.0.0.1;
      deny publish all;
      hls on;
      hls_path "$LAB/media/hls";
      hls_fragment 2s;
      hls_playlist_length 24s;
      hls_continuous on;
      hls_variant _high BANDWIDTH=320000,RESOLUTION=320x180;
      hls_variant _mid BANDWIDTH=210000,RESOLUTION=256x144;
      hls_variant _low BANDWIDTH=130000,RESOLUTION=192x108;
    }
  }
}
http {
$(http_common origin)
  map \$msec \$now_s { "~^(?<whole_s>[0-9]+)" \$whole_s; }
  server {
    listen 127.0.0.1:$origin_port;
    root "$LAB/media";
    location /hls/ {
      add_header Access-Control-Allow-Origin *;
      location ~ [.]m3u8\$ {
        add_header Access-Control-Allow-Origin *; # a location that adds a header of its own inherits none
        add_header X-Accel-Expires "@\$now_s";
      }
    }
    location /stat { rtmp_stat all; }
  }
}
CONF
}

# A copy that cannot be renewed is served on: what players get from most CDNs when the way to the origin is lost, and what
# makes the edge stale while its origin is well.
edge_conf() {
  cat <<CONF
$(nginx_common edge)
http {
$(http_common edge)
  proxy_cache_path "$LAB/media/cache" levels=1:2 keys_zone=live:1m max_size=64m inactive=2m;
  server {
    listen 127.0.0.1:$edge_port;
    location /hls/ {
      proxy_pass http://127.0.0.1:$backhaul_port;
      proxy_cache live;
      proxy_cache_key \$uri;
      proxy_cache_valid 200 1m;
      proxy_cache_lock on;
      proxy_cache_use_stale error timeout;
      proxy_connect_timeout 300ms;
      proxy_read_timeout 300ms;
      add_header X-Cache \$upstream_cache_status;
    }
  }
}
CONF
}

# Segments of exactly 2 s (20 frames at 10/s, a keyframe at the head of each), so the target duration is 2. About 6 % of a
# core.
start_encoder() {
  local to=rtmp://127.0.0.1:$rtmp_port/live/lab
  local encode=(-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 20 -keyint_min 20 -sc_threshold 0
    -threads 1 -c:a aac -b:a 32k -flvflags no_duration_filesize -f flv)
  echo '[0:v]split=3[a][b][c];[a]null[high];[b]scale=256:144[mid];[c]scale=192:108[low]' >"$LAB/media/ladder"
  start ffmpeg ffmpeg -hide_banner -loglevel warning -nostdin \
    -re -f lavfi -i testsrc=size=320x180:rate=10 -re -f lavfi -i sine=frequency=440:sample_rate=44100 \
    -filter_complex_script "$LAB/media/ladder" \
    -map '[high]' -map 1:a -b:v 250k "${encode[@]}" "${to}_high" \
    -map '[mid]' -map 1:a -b:v 150k "${encode[@]}" "${to}_mid" \
    -map '[low]' -map 1:a -b:v 80k "${encode[@]}" "${to}_low"
}

is_on_air() {
  local playlist
  for playlist in high mid low; do
    [ "$(grep -c '^#EXTINF' "$LAB/media/hls/lab_$playlist.m3u8")" -ge 3 ] || return 1
  done
}

# nginx-rtmp begins with an EXT-X-DISCONTINUITY and writes no EXT-X-DISCONTINUITY-SEQUENCE, so that the moment in which its first
# segment leaves the window is a true DSEQ. The lab is up once that is over.
has_slid() {
  local rendition
  for rendition in high mid low; do
    local url=http://127.0.0.1:$origin_port/hls/lab_$rendition.m3u8
    says "$url" TARGETDURATION || return 1
    ! says "$url" MEDIA-SEQUENCE:0 || return 1
  done
}

await_media() {
  wait_for ffmpeg 'three segments of each rendition' is_on_air
  wait_for origin 'the master playlist' says "http://127.0.0.1:$origin_port/hls/lab.m3u8" RESOLUTION
  wait_for origin 'a window without its first segment' has_slid
  wait_for edge 'the master playlist' says "http://127.0.0.1:$edge_port/hls/lab.m3u8" RESOLUTION
}
