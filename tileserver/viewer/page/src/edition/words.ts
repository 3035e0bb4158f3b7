// The words of this room: key: [Chinese, English].

export const editionWords = {
  'tier.locked': ['须凭令牌', 'token needed'],
  'tier.label': ['版本', 'Edition'],
  'tier.secure': ['涉密版', 'Secure edition'],
  'tier.government': ['政务版', 'Government edition'],
  'tier.public': ['公众版', 'Public edition'],
  'tier.secure.short': ['涉密版', 'Secure'],
  'tier.government.short': ['政务版', 'Government'],
  'tier.public.short': ['公众版', 'Public'],
  'token.open': ['访问令牌', 'Access token'],
  'token.title': ['需要访问令牌', 'An access token is needed'],
  'token.label': ['访问令牌', 'Access token'],
  'token.note': ['令牌只保存在本标签页，只发给本服务器，不会出现在网址中。', 'The token stays in this tab, is sent to this server only, and never appears in an address.'],
  'token.use': ['使用', 'Use it'],
  'token.cancel': ['取消', 'Cancel'],
  'token.missing': ['{tier}须凭令牌访问。', 'The {tier} is opened with a token.'],
  'token.wrong': ['这个令牌不能打开{tier}，请检查后重新输入。', 'This token does not open the {tier}. Check it and enter it again.'],
  'token.change': ['输入用于{tier}的令牌。', 'Enter a token for the {tier}.'],
  'notice.approval': ['审图号：{number}', 'Map approval: {number}'],
  'notice.generation': ['数据版本 {generation}', 'Generation {generation}'],
  'notice.changed': ['服务器已换上新一版数据。', 'The server now has a newer generation of the data.'],
} as const;
