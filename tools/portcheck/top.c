/*
 * Source: the default ports in the server packages' own documentation (named beside each
 * group), ordered by how often an admin meets the service: remote access, web, names and
 * time, mail, files, databases, then the rest. Not a measurement of the Internet.
 */
#include "top.h"

#include <errno.h>
#include <netinet/in.h>

/* clang-format off */
static const uint16_t tcp[] = {
	22,			/* OpenSSH, sshd_config(5) */
	80, 443, 8080, 8443,	/* nginx, Apache, Tomcat */
	53,			/* BIND, unbound, dnsmasq */
	25, 587, 465, 993, 143, 995, 110, /* Postfix, Dovecot */
	3389, 5900,		/* xrdp, VNC */
	445, 139, 2049, 111, 548, 873, 21, /* Samba, NFS, rsync, ftp */
	3306, 5432, 6379, 27017, 1433, 1521, 11211, 5984, 9042, 7000, /* databases */
	9200, 9300, 5601,	/* Elasticsearch, Kibana */
	389, 636, 88, 464, 749, /* OpenLDAP, Kerberos */
	5672, 15672, 1883, 8883, 9092, 2181, 4222, 61616, /* RabbitMQ, MQTT, Kafka */
	6443, 2379, 2380, 10250, 2375, 2376, 5000, /* Kubernetes, etcd, Docker */
	9090, 9100, 9093, 3000, 8086, 4317, 4318, 10050, 10051, /* Prometheus, Zabbix */
	8000, 8081, 8888, 5173, 4200, 3001, 8008, 9000, 9443, /* development servers */
	631, 515,	/* CUPS, LPD */
	23, 514, 6514,		/* telnet, syslog */
	5060, 5061, 3478,	/* SIP, STUN */
	1194, 1723,		/* OpenVPN, PPTP */
	8006, 8007, 10000,	/* Proxmox, Webmin */
	3128, 1080,		/* Squid, SOCKS */
	8200, 8500, 8300,	/* Vault, Consul */
	25565, 27015, 32400,	/* game and media servers */
};

static const uint16_t udp[] = {
	53, 123, 67, 69,	/* DNS, NTP, DHCP, TFTP */
	161, 162, 514,		/* SNMP, traps, syslog */
	500, 4500, 51820, 1194,	/* IPsec, WireGuard, OpenVPN */
	443,			/* QUIC */
	3478, 5060, 5353, 1900,	/* STUN, SIP, mDNS, SSDP */
	137, 138, 111, 389, 88,	/* NetBIOS, rpcbind, CLDAP, Kerberos */
	1812, 1813, 11211, 5683, /* RADIUS, memcached, CoAP */
};
/* clang-format on */

size_t top_count(int protocol)
{
	return protocol == IPPROTO_UDP ? ARRAY_SIZE(udp) : ARRAY_SIZE(tcp);
}

int top_add(struct port_list *list, size_t n, int protocol)
{
	const uint16_t *ports = protocol == IPPROTO_UDP ? udp : tcp;
	size_t i;

	for (i = 0; i < min_size(n, top_count(protocol)); i++) {
		int err = port_list_add_range(list, ports[i], ports[i], protocol);

		if (err < 0)
			return err;
	}
	return 0;
}
